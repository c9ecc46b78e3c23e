import AttentionTrace
import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("Threads")
struct ThreadTests {
  /// Writes a run's last latent, 10 rows by 22 columns, to the standard error.
  static func write(threads: Int) throws {
    Engine.threads = threads
    let model = try LoadedCheckpoint("tiny-sd1")
    let guide = AttendAndExcite(
      AttendAndExciteTests.excitation(end: 76, grid: Grid(rows: 3, columns: 6)),
      AttendAndExciteTests.settings([:]))
    var sequence = try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(steps: 4),
      latent: model.noise(6, rows: 10, columns: 22),
      embeddings: (model.embedding("a cat and a frog"), model.embedding("")),
      guidanceScale: 7.5, parts: MethodParts(guide: guide))
    while try sequence.next() != nil {}
    let text = sequence.latent.values.map { String($0.bitPattern) }.joined(separator: " ")
    FileHandle.standardError.write(Data(text.utf8))
  }

  private func latent(_ result: ExitTest.Result?) throws -> [Float] {
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    return text.split(whereSeparator: \.isWhitespace).compactMap { UInt32($0) }
      .map(Float.init(bitPattern:))
  }

  @Test("The number of threads changes no result by more than rounding, the same number no bit")
  func count() async throws {
    let one = try latent(
      await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        try ThreadTests.write(threads: 1)
      })
    let two = try latent(
      await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        try ThreadTests.write(threads: 2)
      })
    let again = try latent(
      await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        try ThreadTests.write(threads: 2)
      })
    #expect(one.count == 4 * 10 * 22 && two.count == one.count)
    #expect(again == two)
    for (a, b) in zip(one, two) { #expect(abs(a - b) <= 1e-4 * max(1, abs(a))) }
  }
}
