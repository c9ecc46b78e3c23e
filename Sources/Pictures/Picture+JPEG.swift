private import CPictures
private import Glibc
internal import TensorEngine

// Unsafe: libjpeg writes to memory of its own, which is copied and freed here.

extension Picture {
  /// The bytes of a baseline JPEG file with as many samples of colour as of lightness, without metadata.
  /// - Parameter quality: how much of the picture is kept, 1 to 100, on libjpeg's scale.
  /// - Throws: `FileError` if libjpeg gives up, as on a side of more than 65,500 pixels.
  package func encodedJPEG(quality: Int) throws -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    var message = [CChar](repeating: 0, count: Int(CPICTURES_MESSAGE))
    defer { unsafe free(bytes) }
    let status = unsafe cpictures_write_jpeg(
      pixels, UInt32(width), UInt32(height), Int32(quality), &bytes, &count, &message)
    guard status == 0, let start = unsafe bytes else {
      let reason = String(
        decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw FileError(
        .unsupported, path: "JPEG file", reason: "\(width)x\(height) pixels: \(reason)")
    }
    return unsafe [UInt8](UnsafeBufferPointer(start: start, count: Int(count)))
  }
}
