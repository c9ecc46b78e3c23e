/// How Attend-and-Excite's scripts take a prompt apart (`metrics/compute_clip_similarity.py`).
enum AttendAndExcitePrompt {
  /// The parts that are scored one by one: those around " and ", or else around " with "; `nil` for a prompt
  /// that the scripts pass over.
  static func parts(of prompt: String) -> [String]? {
    for separator in [" and ", " with "] where prompt.contains(separator) {
      return prompt.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
    return nil
  }
}
