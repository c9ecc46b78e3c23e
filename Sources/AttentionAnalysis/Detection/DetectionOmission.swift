/// Runs that a comparison with a detector does not count, or not in everything, for one reason.
package struct DetectionOmission: Hashable, Sendable, CustomStringConvertible {
  /// Why.
  package enum Reason: String, Hashable, Sendable, CaseIterable, Encodable {
    case noPicture, notScored, noSubjects, repeatedWords, notAsked, noVerdict, noMaps

    /// What is said of runs with it.
    var words: String {
      switch self {
      case .noPicture: "left out, not complete or without a picture"
      case .notScored: "left out, without a score of the detector (heed benchmark score makes it)"
      case .noSubjects: "left out, made without subjects that are words of the prompt"
      case .repeatedWords:
        "with a subject word that the prompt has as several subjects, which a detector does not tell "
          + "apart: left out with these words"
      case .notAsked:
        "with a subject word that the detector was not asked about: left out with these words"
      case .noVerdict: "without a verdict on some subject: not counted in precision, recall and ROC"
      case .noMaps: "without maps where the loss reads: not counted in attention inside boxes"
      }
    }
  }

  /// Why.
  package let reason: Reason
  /// Their folders, each once, in order.
  package let runs: [String]

  /// One line: how many, why, and the first of them.
  package var description: String {
    let more = runs.count > 1 ? " and \(runs.count - 1) more" : ""
    return "\(runs.count) \(runs.count == 1 ? "run" : "runs") \(reason.words): \(runs[0])\(more)"
  }
}
