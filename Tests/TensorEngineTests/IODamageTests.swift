import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Shipped and damaged files")
struct IODamageTests {
  private static let checkpoints = fixture("").replacing(
    "TensorEngineTests", with: "DiffusionTests")

  @Test("Every safetensors and JSON file of the small checkpoints is accepted")
  func shipped() throws {
    var (tensors, documents) = (0, 0)
    let names = FileManager.default.enumerator(atPath: Self.checkpoints)
    while let name = names?.nextObject() as? String {
      if name.hasSuffix(".safetensors") {
        let file = try SafetensorsFile(path: Self.checkpoints + name)
        #expect(!file.entries.isEmpty)
        tensors += 1
      } else if name.hasSuffix(".json") {
        _ = try StrictJSON.read(path: Self.checkpoints + name)
        documents += 1
      }
    }
    #expect(tensors >= 8 && documents >= 12)
  }

  @Test("Random damage is an error or a file that reads to its end, never a crash")
  func damage() throws {
    let folder = try TemporaryFolder()
    var generator = SystemRandomNumberGenerator()
    let safetensors = try bytes(ofFileAt: fixture("types.safetensors"))
    let numpy = try bytes(ofFileAt: fixture("npy/f4-2x3.npy"))
    let json = try bytes(ofFileAt: Self.checkpoints + "tiny-sd1/unet/config.json")
    for _ in 0..<1500 {
      let tensors = try? SafetensorsFile(path: folder.file(Self.damaged(safetensors, &generator)))
      for entry in tensors?.entries ?? [] {
        let read = try? tensors?.tensor(entry.name).values.count
        #expect(read == nil || read == entry.count)
      }
      let array = try? NumpyFile(path: folder.file(Self.damaged(numpy, &generator)))
      _ = try? array?.tensor()
      _ = try? StrictJSON.parse(Self.damaged(json, &generator), file: "d")
    }
  }

  // MARK: Every length, every bit

  /// An array of a file: its extents, and its numbers by their bits.
  private struct Content: Equatable {
    let shape: [Int]
    let bits: [UInt32]

    static func all(in path: String) throws -> [Content] {
      try StoredArray.contents(of: path).arrays.map { array in
        let values = array.values(from: 0, extents: array.shape, strides: array.strides)
        return Content(shape: array.shape, bits: values.map(\.bitPattern))
      }
    }
  }

  @Test(
    "A file that is cut off anywhere is refused",
    arguments: [
      "stored/all.safetensors", "stored/whole.npy", "npy/f4-2x3-v2.npy", "stored/plain.npz",
      "stored/deflated.npz",
    ])
  func truncation(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try bytes(ofFileAt: fixture(name))
    var refused = 0
    for length in whole.indices {
      let path = try folder.file(Array(whole.prefix(length)))
      do { _ = try StoredArray.contents(of: path) } catch let error as FileError {
        refused += error.kind == .malformed && error.path == path ? 1 : 0
      }
    }
    #expect(refused == whole.count)
    print("bad inputs tried: \(refused) generated (\(name), cut off)")
  }

  @Test(
    "A header with a bit flipped is refused, or the file holds the same numbers all the same",
    arguments: [
      "stored/all.safetensors", "stored/columns.npy", "stored/plain.npz", "stored/deflated.npz",
    ])
  func flippedBits(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try bytes(ofFileAt: fixture(name))
    let expected = try Content.all(in: fixture(name))
    var (tried, same) = (0, 0)
    for place in Self.headers(of: name, whole) {
      for bit in 0..<8 {
        var damaged = whole
        damaged[place] ^= 1 << bit
        tried += 1
        do {
          let content = try Content.all(in: folder.file(damaged))
          #expect(content == expected, "\(name), bit \(bit) of byte \(place)")
          same += 1
        } catch is FileError {}
      }
    }
    #expect(tried > 500 && same < tried)
    print("bad inputs tried: \(tried) generated (\(name), a bit flipped; \(same) as before)")
  }

  /// The bytes of a file that say where its numbers are and what.
  private static func headers(of name: String, _ bytes: [UInt8]) -> [Int] {
    if name.hasSuffix(".npy") { return Array(0..<128) }
    if name.hasSuffix(".safetensors") { return Array(0..<8 + Int(bytes[0]) + Int(bytes[1]) << 8) }
    // The headers before members and the directory are found by their marks; 64 bytes hold all their fields.
    let marks = bytes.indices.dropLast(3).filter {
      bytes[$0] == UInt8(ascii: "P") && bytes[$0 + 1] == UInt8(ascii: "K")
        && [1, 3, 5].contains(bytes[$0 + 2])
    }
    return Set(marks.flatMap { $0..<min($0 + 64, bytes.count) }).sorted()
  }

  /// `bytes` with a few of them changed, taken out, put in or moved.
  private static func damaged(
    _ bytes: [UInt8], _ generator: inout SystemRandomNumberGenerator
  ) -> [UInt8] {
    let telling = Array("{}[]\",:0123456789-.eE\\u'() ".utf8) + [0, 0x80, 0xC3, 0xFF]
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let position = Int.random(in: 0..<bytes.count, using: &generator)
      let byte = telling.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[position] = byte
      case 2: bytes.insert(byte, at: position)
      case 3: bytes.remove(at: position)
      default:
        let end = min(bytes.count, position + Int.random(in: 1...20, using: &generator))
        bytes += bytes[position..<end]
      }
    }
    return bytes
  }
}
