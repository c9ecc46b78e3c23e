internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// A benchmark with what a detector says of its pictures.
struct ScoredBenchmark {
  /// What a picture is scored under.
  private struct Key: Hashable {
    let id, method: String
    let seed: UInt64
  }

  /// The detector with its threshold; `nil` where the benchmark has none of its scores.
  let model: String?
  private let folder: BenchmarkFolder
  private let prompts: [String: SuitePrompt]
  private let scores: [Key: PictureScore]

  /// Reads the suite and the scores of `scorer`.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` and `FileError`.
  init(_ folder: BenchmarkFolder, scorer: String) throws {
    self.folder = folder
    let suite = try Suite(folder.suite, format: .jsonl)
    prompts = Dictionary(uniqueKeysWithValues: suite.prompts.map { ($0.id, $0) })
    let record = try folder.wholeRecord(of: suite)
    let own = try ScoreFile.all(in: folder.scores).filter { $0.scorer == scorer }
    func refuse(_ score: PictureScore, _ reason: String) -> EvaluationError {
      .benchmark(
        path: folder.scores,
        reason: "\(scorer) scored \(score.id)/\(score.method)/seed-\(score.seed)\(reason)")
    }
    var scores: [Key: PictureScore] = [:]
    for score in own where record.methods.contains(score.method) {
      guard let prompt = prompts[score.id] else {
        throw refuse(
          score,
          ", a prompt that \(folder.suite) does not have: the scores are of another benchmark")
      }
      guard Set(score.detections?.map(\.subject) ?? []) == Set(prompt.subjects) else {
        throw refuse(
          score,
          " for \((score.detections ?? []).map(\.subject).joined(separator: ", ")), expected "
            + "\(prompt.subjects.joined(separator: ", ")): the scores are of another benchmark")
      }
      if let other = own.first, other.model != score.model {
        throw refuse(score, " with \(score.model), others with \(other.model): expected one model")
      }
      let key = Key(id: score.id, method: score.method, seed: score.seed)
      if let other = scores.updateValue(score, forKey: key), other != score {
        throw refuse(score, " twice, and differently: remove one of the files")
      }
    }
    (self.scores, model) = (scores, scores.isEmpty ? nil : own.first?.model)
  }

  /// The prompt of the suite that a run is of.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` where the suite has none of that name, or another.
  func prompt(of run: RecordedRun, at place: BenchmarkPlace) throws -> SuitePrompt {
    guard let prompt = prompts[place.id] else {
      throw EvaluationError.benchmark(
        path: run.folder.path,
        reason: "expected the folder of a prompt of \(folder.suite), got \(place.id)")
    }
    _ = try folder.status(of: prompt, place.method, seed: place.seed)
    return prompt
  }

  /// What there is of a run's picture.
  func finding(of run: RecordedRun, at place: BenchmarkPlace) throws -> RunDetections.Finding {
    guard run.manifest.status == .complete else { return .noPicture }
    guard !run.manifest.subjects.isEmpty else { return .noSubjects }
    let key = Key(id: place.id, method: place.method, seed: run.manifest.seed)
    return scores[key].map { .seen($0.detections ?? []) } ?? .notScored
  }
}
