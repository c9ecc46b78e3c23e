/// How often a yes and a no were right and wrong.
package struct ConfusionMatrix: Hashable, Sendable {
  /// Yes, and yes is true.
  package private(set) var truePositives = 0
  /// Yes, and no is true.
  package private(set) var falsePositives = 0
  /// No, and yes is true.
  package private(set) var falseNegatives = 0
  /// No, and no is true.
  package private(set) var trueNegatives = 0

  /// The matrix of no questions.
  package init() {}

  /// Counts one more question.
  package mutating func add(isPredicted: Bool, isTrue: Bool) {
    switch (isPredicted, isTrue) {
    case (true, true): truePositives += 1
    case (true, false): falsePositives += 1
    case (false, true): falseNegatives += 1
    case (false, false): trueNegatives += 1
    }
  }

  /// The share of the yes that are true; NaN without a yes.
  package var precision: Double {
    Double(truePositives) / Double(truePositives + falsePositives)
  }

  /// The share of what is true that got a yes; NaN where nothing is true.
  package var recall: Double {
    Double(truePositives) / Double(truePositives + falseNegatives)
  }
}
