import Glibc
import TensorEngine
import TestSupport
import Testing

@Suite("The engine within another program's process")
struct EngineTests {
  /// Products of matrices, and an operation on several threads.
  static func work() -> [Float] {
    var random = SeededNumbers(seed: 4)
    let (left, right) = (random.tensor([1, 300, 64]), random.tensor([1, 77, 64]))
    return left.scores(against: right, heads: 2, scale: 0.5).softmax().values
  }

  /// Whether malloc asks the system for a large tensor's memory alone: with its own settings it does
  /// so from 32 MB on at the latest.
  static func mapsLargeBlocks() -> Bool {
    let storage = Storage(count: 10 << 20)
    return withExtendedLifetime(storage) {
      // glibc keeps a block's size before it, with a mark at bit 1 for a mapping of its own.
      UnsafeRawPointer(storage.pointer).load(fromByteOffset: -8, as: UInt.self) & 2 != 0
    }
  }

  @Test("leaves malloc's settings as they are")
  func untouched() async {
    await #expect(processExitsWith: .success) {
      _ = EngineTests.work()
      #expect(EngineTests.mapsLargeBlocks())
    }
  }

  @Test("changes them where it is asked to, and no result with them")
  func asked() async {
    await #expect(processExitsWith: .success) {
      let before = EngineTests.work()
      Engine.keepFreedMemory()
      #expect(!EngineTests.mapsLargeBlocks())
      #expect(EngineTests.work() == before)
    }
  }

  @Test("uses as many threads as it is told to", arguments: [(3, 3), (0, 1), (-2, 1)])
  func threads(asked: Int, used: Int) async {
    await #expect(processExitsWith: .success) { [asked, used] in
      #expect(Engine.threads >= 1)
      Engine.threads = asked
      #expect(Engine.threads == used)
    }
  }

  @Test("ends the process with the place and the reason where a program is wrong")
  func bugs() async throws {
    let result = try #require(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor([1, 2], shape: [3])
      })
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("TensorEngine/Tensor.swift:"))
    #expect(text.contains("shape [3] over 2 floats"))
  }
}
