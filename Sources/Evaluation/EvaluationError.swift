internal import AttentionTrace
internal import TensorEngine

/// Reasons why a run cannot be made, repeated or measured.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A run needs more memory than the process may have; in bytes.
  case memory(size: String, needed: Int, limit: String, total: Int)
  /// A run is not complete, and a complete one is needed.
  case incomplete(run: String)
  /// A run cannot be repeated, and why.
  case notRepeatable(run: String, reason: String)
  /// A run was made with a different checkpoint.
  case otherCheckpoint(run: String, model: String, difference: String)
  /// A run was recorded without queries.
  case noQueries(run: String)
  /// A text that was asked has no word.
  case noWords(text: String)
  /// What is wrong with the variation of a knob.
  case variation(reason: String)
  /// The axes of imported maps are not those of the file.
  case axes(reason: String)
  /// Which part of a benchmark is to be made cannot be told.
  case shards(reason: String)
  /// A folder holds another benchmark, or a benchmark lacks something.
  case benchmark(path: String, reason: String)
  /// A picture's sides differ too much for an evaluator; in pixels.
  case pictureShape(width: Int, height: Int)
  /// Two pictures differ in size.
  case pictureSizes(first: String, second: String)
  /// Pictures that are compared are seen by two detectors, or with two thresholds.
  case detectors(first: String, second: String)
  /// What is wrong with the choice of what a user study shows.
  case study(reason: String)

  /// One line: what, where, expected, got, and what to do.
  public var description: String {
    switch self {
    case .memory(let size, let needed, let limit, let total):
      "a picture of \(size) needs \(Self.wholeMebibytes(needed)) of memory in all, but the limit by \(limit) is "
        + "\(formatBytes(total)): raise it, or choose a smaller size"
    case .incomplete(let run): "\(run): the run is not complete; finish it first"
    case .notRepeatable(let run, let reason): "\(run): cannot be repeated: \(reason)"
    case .otherCheckpoint(let run, let model, let difference):
      "\(run) was made with \(model), \(difference): name the checkpoint that the run was made with, "
        + "its LoRAs and the precision of its weights"
    case .noQueries(let run):
      "\(run) has no recorded queries; record them, as in heed generate … --queries 16x16"
    case .noWords(let text): "the text to measure is '\(text)'; expected at least one word"
    case .variation(let reason): "the variation \(reason)"
    case .axes(let reason): reason
    case .shards(let reason): reason
    case .benchmark(let path, let reason): "\(path): \(reason)"
    case .pictureShape(let width, let height):
      "a picture of \(width)x\(height) pixels; expected no side more than 64 times the other"
    case .pictureSizes(let first, let second): "\(first), expected the size of \(second)"
    case .detectors(let first, let second):
      "the pictures are seen by \(first) and by \(second); expected one detector: name the folder of one, "
        + "or take fewer runs"
    case .study(let reason): "the study \(reason)"
    }
  }

  /// A size that a limit can be set to: rounded up.
  private static func wholeMebibytes(_ bytes: Int) -> String {
    "\(bytes / (1 << 20) + 1) MiB"
  }
}

extension EvaluationError {
  /// A name that a benchmark does not have, with those that it has.
  /// - Parameter what: what it names, as in `method`.
  static func unknown(
    _ what: String, _ name: String, among known: [String], path: String
  ) -> EvaluationError {
    .benchmark(
      path: path,
      reason: "expected a \(what) of the benchmark (\(known.joined(separator: ", "))), got "
        + FileError.quoted(name) + Suggestion.question(name, among: known))
  }
}
