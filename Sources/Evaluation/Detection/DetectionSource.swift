package import AttentionAnalysis
package import AttentionTrace
private import Foundation
internal import Pictures
internal import PromptText
private import Synchronization
private import TensorEngine

/// Where it is known from what a detector says of runs' pictures: the scores of the benchmark that they lie in,
/// or the detector itself, which is asked where no benchmark has its scores.
package struct DetectionSource: Sendable {
  /// The name of the scores.
  private static let scorer = "owl"
  /// Pictures that are looked at side by side.
  private static let together = 32

  /// The folder of the detector; `nil` for that of the scores, or else the one that comes with Heed.
  private let owl: String?

  /// - Parameter owl: the folder of a detector, which then is asked about every picture; `nil` for the scores of
  ///   benchmarks, and where there are none the detector that comes with Heed.
  package init(owl: String?) { self.owl = owl }

  /// What a detector says of the pictures of runs.
  /// - Parameters:
  ///   - runs: each once.
  ///   - onPictures: is told how many more pictures were looked at, and of how many, and may throw to stop.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` for scores of another benchmark, of several models, or
  ///   of a picture twice; ``EvaluationError/detectors(first:second:)`` where runs are seen by two;
  ///   `FileError` for a damaged file; `DiffusionError` for a detector that cannot be read.
  package func detections(
    of runs: [RecordedRun], onPictures: (_ done: Int, _ all: Int) throws -> Void = { _, _ in }
  ) throws -> RunDetections {
    var benchmarks: [BenchmarkFolder: ScoredBenchmark] = [:]
    var (scored, asked): ([(run: RecordedRun, finding: RunDetections.Finding)], [RecordedRun]) =
      ([], [])
    var prompts: [String: String] = [:]
    var models: [String] = []
    for run in runs {
      guard let place = BenchmarkPlace(of: run) else {
        asked.append(run)
        continue
      }
      let benchmark =
        try benchmarks[place.folder] ?? ScoredBenchmark(place.folder, scorer: Self.scorer)
      benchmarks[place.folder] = benchmark
      prompts[run.folder.path] = try benchmark.prompt(of: run, at: place).id
      guard owl == nil, let model = benchmark.model else {
        asked.append(run)
        continue
      }
      if !models.contains(model) { models.append(model) }
      scored.append((run, try benchmark.finding(of: run, at: place)))
    }
    let scorer = asked.isEmpty ? nil : PictureScorer.owl(try OWLViTDetector(folder: owl))
    if let scorer, !models.contains(scorer.model) { models.append(scorer.model) }
    guard models.count <= 1 else {
      throw EvaluationError.detectors(first: models[0], second: models[1])
    }
    var detections = RunDetections(detector: models.first ?? "")
    for (run, finding) in scored {
      detections.add(finding, of: run, prompt: prompts[run.folder.path])
    }
    guard let scorer else { return detections }
    for first in stride(from: 0, to: asked.count, by: Self.together) {
      let some = Array(asked[first..<min(first + Self.together, asked.count)])
      let results = Mutex(
        [Result<RunDetections.Finding, any Error>?](repeating: nil, count: some.count))
      Parallel.sideBySide(some.count, atATime: scorer.atATime) { index in
        let result = Result { try Self.ask(scorer, about: some[index]) }
        results.withLock { $0[index] = result }
      }
      for (run, finding) in zip(some, try results.withLock({ try $0.compactMap { try $0?.get() } }))
      {
        detections.add(finding, of: run, prompt: prompts[run.folder.path])
      }
      try onPictures(some.count, asked.count)
    }
    return detections
  }

  /// What the detector says of the words of a run's subjects.
  private static func ask(
    _ scorer: PictureScorer, about run: RecordedRun
  ) throws -> RunDetections.Finding {
    let manifest = run.manifest
    guard manifest.status == .complete,
      FileManager.default.fileExists(atPath: run.folder.image)
    else { return .noPicture }
    let words = manifest.subjects.compactMap(manifest.word)
    guard !words.isEmpty else { return .noSubjects }
    let score = try scorer.score(
      SuitePrompt(id: "", prompt: manifest.tokens.prompt, subjects: words),
      Picture.read(run.folder.image, within: run.folder.path), manifest.method.name, manifest.seed)
    return .seen(score.detections ?? [])
  }
}
