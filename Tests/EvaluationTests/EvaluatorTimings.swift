import Evaluation
import Foundation
import Pictures
import TensorEngine
import Testing

/// How long a picture takes, for information: HEED_EVALUATOR names a folder, HEED_THREADS the threads.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["HEED_EVALUATOR"] != nil))
struct EvaluatorTimings {
  @Test("A picture of 512 × 512 pixels")
  func picture() throws {
    let environment = ProcessInfo.processInfo.environment
    if let threads = environment["HEED_THREADS"].flatMap({ Int($0) }) { Engine.threads = threads }
    let folder = try EvaluatorFolder(try #require(environment["HEED_EVALUATOR"]))
    let samples = (0..<3 * 512 * 512).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    let picture = Picture(width: 512, height: 512, pixels: samples)
    let score: () throws -> Void
    if folder.kind == .clip {
      let model = try CLIPModel(folder)
      score = { _ = try model.vector(of: picture) }
    } else {
      let model = try OWLViTModel(folder)
      let vectors = try model.vectors(of: (0..<24).map { "a photo of \($0) cats" })
      score = {
        let features = try model.features(ofPixels: model.preprocessing(picture))
        _ = try model.logits(features, of: vectors)
        _ = try model.boxOffsets(features)
      }
    }
    var best = Duration.seconds(1000)
    for _ in 0..<5 { best = min(best, try ContinuousClock().measure(score)) }
    let seconds = Double(best.components.attoseconds) / 1e18 + Double(best.components.seconds)
    print(folder.kind.rawValue + ": a picture takes \(seconds) s")
  }
}
