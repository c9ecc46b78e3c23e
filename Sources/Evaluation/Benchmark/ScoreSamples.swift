internal import AttentionAnalysis

/// The scores of a benchmark's pictures by kind, method, prompt and seed.
package struct ScoreSamples: Sendable {
  private var values: [ScoreKind: [String: [String: [UInt64: Double]]]] = [:]
  /// By method and prompt, the seeds of which a picture has any score.
  private var seeds: [String: [String: Set<UInt64>]] = [:]

  /// Sorts scores.
  /// - Parameter path: where they are, for messages.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` when a picture has a score twice, with different
  ///   values.
  init(_ scores: [PictureScore], path: String) throws {
    for score in scores {
      for (name, value) in score.values {
        let kind = ScoreKind(scorer: score.scorer, name: name)
        let there = values[kind]?[score.method]?[score.id]?[score.seed]
        guard there == nil || there == value else {
          throw EvaluationError.benchmark(
            path: path,
            reason:
              "\(score.scorer) scored \(score.id)/\(score.method)/seed-\(score.seed) twice, and "
              + "differently: expected one model; remove one of the files")
        }
        values[kind, default: [:]][score.method, default: [:]][score.id, default: [:]][
          score.seed] = value
        seeds[score.method, default: [:]][score.id, default: []].insert(score.seed)
      }
    }
  }

  /// Those that any picture has, in the order of columns.
  package var scored: [ScoreKind] { values.keys.sorted() }

  /// How many pictures of a method for the prompts `ids` have a score, and of how many prompts.
  func counts(_ method: String, _ ids: [String]) -> (pictures: Int, prompts: Int) {
    let found = ids.compactMap { seeds[method]?[$0]?.count }
    return (found.reduce(0, +), found.count)
  }

  /// The score of one picture; `nil` where it has none.
  package func value(_ kind: ScoreKind, _ method: String, _ id: String, _ seed: UInt64) -> Double? {
    values[kind]?[method]?[id]?[seed]
  }

  /// The pictures of prompts that have a score.
  func of(_ kind: ScoreKind, _ method: String, _ ids: [String]) -> [PictureSample] {
    ids.flatMap { id in
      (values[kind]?[method]?[id] ?? [:]).sorted { $0.key < $1.key }.map { seed, value in
        PictureSample(prompt: id, seed: seed, value: value)
      }
    }
  }
}
