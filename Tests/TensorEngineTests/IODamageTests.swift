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
