/// A question with the answer yes or no, how a measure answered it, and what is true.
package struct ClassifiedSample: Hashable, Sendable {
  /// What tells the prompt from others, as its `id` in a suite.
  package let prompt: String
  /// The measure: the higher, the more it says yes; NaN where it is not defined.
  package let score: Double
  /// Whether the measure says yes.
  package let isPredicted: Bool
  /// Whether yes is true.
  package let isTrue: Bool

  /// A question about a picture of `prompt`.
  package init(prompt: String, score: Double, isPredicted: Bool, isTrue: Bool) {
    (self.prompt, self.score) = (prompt, score)
    (self.isPredicted, self.isTrue) = (isPredicted, isTrue)
  }
}
