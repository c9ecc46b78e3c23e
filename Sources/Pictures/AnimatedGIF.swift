private import CGIF
internal import TensorEngine

// Unsafe: giflib is called from C with addresses: of arrays that are lent for the call, of its own file, which
// lives from `EGifOpen` to `EGifCloseFile`, and of the sink, which outlives the file.

/// Writes pictures of one size as a GIF that is shown over and over.
///
/// All frames share one palette, so that what stands still keeps its colours, and a frame holds only the
/// rectangle that differs from the frame before. Colours are not dithered: dots would swim from frame to
/// frame, and look like structure in a map.
///
/// - Reference: GIF89a specification (CompuServe 1990); the extension `NETSCAPE2.0` for loops.
package enum AnimatedGIF {
  /// The index that leaves a pixel as it was.
  private static let unchanged = UInt8(255)

  /// The bytes of the file; the same pictures give the same bytes.
  /// - Parameters:
  ///   - delays: how long each frame is shown, in milliseconds; GIF has hundredths of a second.
  ///   - comment: text that is stored and not shown; empty for none.
  ///   - frame: the picture at an index; asked for twice, as the palette must know them all.
  /// - Throws: `FileError` if giflib gives up, as on a side of 65536 pixels; what `frame` throws.
  package static func encoded(
    delays: [Int], comment: String = "", frame: (Int) throws -> Picture
  ) throws -> [UInt8] {
    var colors = ColorCount()
    var (width, height) = (0, 0)
    for index in delays.indices {
      let picture = try frame(index)
      (width, height) = (picture.width, picture.height)
      colors.add(picture)
    }
    guard max(width, height) <= 65_535 else {
      throw FileError(
        .unsupported, path: "GIF file",
        reason: "\(width)x\(height) pixels; a side has at most 65535")
    }
    let palette = Palette(colors, atMost: Int(unchanged))
    let sink = Sink()
    try unsafe withFile(sink) { file in
      try unsafe begin(file, width: width, height: height, palette, comment: comment)
      var shown: [UInt8] = []
      for (index, delay) in delays.enumerated() {
        let indices = palette.indices(of: try frame(index))
        let patch = Patch(from: shown, to: indices, width: width, height: height)
        try unsafe append(patch, delay: delay, to: file)
        shown = indices
      }
    }
    return sink.bytes
  }

  // MARK: - Parts of the file

  private static func begin(
    _ file: UnsafeMutablePointer<GifFileType>, width: Int, height: Int, _ palette: Palette,
    comment: String
  ) throws {
    var entries = palette.colors.map { GifColorType(Red: $0.red, Green: $0.green, Blue: $0.blue) }
    entries += Array(
      repeating: GifColorType(Red: 0, Green: 0, Blue: 0), count: 256 - entries.count)
    let map = unsafe GifMakeMapObject(256, entries)
    defer { unsafe GifFreeMapObject(map) }
    unsafe EGifSetGifVersion(file, true)
    try unsafe check(file, EGifPutScreenDesc(file, Int32(width), Int32(height), 8, 0, map))
    // Shown over and over: a count of zero.
    try unsafe check(file, EGifPutExtensionLeader(file, Int32(APPLICATION_EXT_FUNC_CODE)))
    try unsafe check(file, EGifPutExtensionBlock(file, 11, Array("NETSCAPE2.0".utf8)))
    try unsafe check(file, EGifPutExtensionBlock(file, 3, [1, 0, 0]))
    try unsafe check(file, EGifPutExtensionTrailer(file))
    if !comment.isEmpty { try unsafe check(file, EGifPutComment(file, comment)) }
  }

  private static func append(
    _ patch: Patch, delay: Int, to file: UnsafeMutablePointer<GifFileType>
  ) throws {
    var control = GraphicsControlBlock(
      DisposalMode: Int32(DISPOSE_DO_NOT), UserInputFlag: false,
      DelayTime: Int32(min(65_535, max(2, (delay + 5) / 10))),
      TransparentColor: Int32(unchanged))
    var block = [UInt8](repeating: 0, count: 4)
    let length = unsafe EGifGCBToExtension(&control, &block)
    try unsafe check(
      file, EGifPutExtension(file, Int32(GRAPHICS_EXT_FUNC_CODE), Int32(length), block))
    try unsafe check(
      file,
      EGifPutImageDesc(
        file, Int32(patch.left), Int32(patch.top), Int32(patch.width), Int32(patch.height), false,
        nil))
    var indices = patch.indices
    for row in 0..<patch.height {
      let start = row * patch.width
      try unsafe indices.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        try unsafe check(file, EGifPutLine(file, base + start, Int32(patch.width)))
      }
    }
  }

  /// The rectangle in which a frame differs from the one before.
  private struct Patch {
    private(set) var left = 0
    private(set) var top = 0
    private(set) var width = 1
    private(set) var height = 1
    /// `[row, column]` in the rectangle; what did not change has an index of its own.
    let indices: [UInt8]

    init(from old: [UInt8], to new: [UInt8], width pageWidth: Int, height pageHeight: Int) {
      guard !old.isEmpty else {
        (width, height, indices) = (pageWidth, pageHeight, new)
        return
      }
      var (right, bottom) = (0, 0)
      (left, top) = (pageWidth, pageHeight)
      for place in new.indices where new[place] != old[place] {
        let (row, column) = (place / pageWidth, place % pageWidth)
        (left, right) = (min(left, column), max(right, column))
        (top, bottom) = (min(top, row), max(bottom, row))
      }
      guard left <= right else {
        (left, top, indices) = (0, 0, [unchanged])
        return
      }
      (width, height) = (right - left + 1, bottom - top + 1)
      indices = (top...bottom).flatMap { [left] row in
        (left...right).map { column in
          let place = row * pageWidth + column
          return new[place] == old[place] ? unchanged : new[place]
        }
      }
    }
  }

  // MARK: - giflib

  /// Collects what giflib writes.
  private final class Sink {
    var bytes: [UInt8] = []

    /// `data` holds `count` bytes, and the file was opened with a sink.
    static let write: OutputFunc = { file, data, count in
      guard let data = unsafe data, let sink = unsafe file?.pointee.UserData else { return 0 }
      unsafe Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue()
        .bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
      return count
    }
  }

  private static func withFile(
    _ sink: Sink, _ body: (UnsafeMutablePointer<GifFileType>) throws -> Void
  ) throws {
    var code: Int32 = 0
    guard
      let file = unsafe EGifOpen(Unmanaged.passUnretained(sink).toOpaque(), Sink.write, &code)
    else { throw failure(code) }
    do {
      try unsafe body(file)
    } catch {
      unsafe EGifCloseFile(file, &code)
      throw error
    }
    guard unsafe EGifCloseFile(file, &code) == GIF_OK else { throw failure(code) }
  }

  private static func check(_ file: UnsafeMutablePointer<GifFileType>, _ status: Int32) throws {
    guard status == GIF_OK else { throw failure(unsafe file.pointee.Error) }
  }

  private static func failure(_ code: Int32) -> FileError {
    let reason = unsafe GifErrorString(code).map { unsafe String(cString: $0) }
    return FileError(.unsupported, path: "GIF file", reason: reason ?? "giflib: error \(code)")
  }
}
