package import AttentionAnalysis
package import Drawing

/// What a method's scores are at each value of each knob that was varied, a row of charts for each knob.
package struct AblationSheet: Sendable {
  /// A knob.
  package struct Knob: Sendable {
    let name: String
    /// As they are written below the charts.
    let values: [String]
    /// The place of the value that the method has when nothing is varied; `nil` if it was not run.
    let usual: Int?
    /// `[score][value]` means; NaN where nothing is scored.
    package let means: [[BootstrapInterval]]

    /// A knob with its values in their order.
    package init(name: String, values: [String], usual: Int?, means: [[BootstrapInterval]]) {
      (self.name, self.values, self.usual, self.means) = (name, values, usual, means)
    }
  }

  /// The most labels of an axis.
  static let ticks = 5

  /// What is varied.
  let method: String
  let suite: String
  /// The checkpoint that made the pictures.
  let model: String
  /// The scores' names.
  let scores: [String]
  let knobs: [Knob]
  /// How many pictures are scored at each value, as in `552` or `550 to 552`.
  let count: String
  let metadata: Scene.Metadata

  /// A sheet of `knobs`.
  /// - Parameter pictures: how many pictures are scored at each value.
  package init(
    method: String, suite: String, model: String, scores: [String], knobs: [Knob],
    pictures: [Int], metadata: Scene.Metadata
  ) {
    let (least, most) = (pictures.min() ?? 0, pictures.max() ?? 0)
    count = least == most ? "\(most)" : "\(least) to \(most)"
    (self.method, self.suite, self.model) = (method, suite, model)
    (self.scores, self.knobs, self.metadata) = (scores, knobs, metadata)
  }

  /// Whether there is nothing to draw.
  package var isEmpty: Bool { knobs.isEmpty || scores.isEmpty }

  /// The axis that all charts of a score share.
  func range(_ score: Int) -> (lower: Double, upper: Double) {
    let ends = knobs.flatMap { $0.means[score] }.flatMap { [$0.estimate, $0.lower, $0.upper] }
      .filter(\.isFinite)
    guard let least = ends.min(), let most = ends.max(), least < most else {
      let value = ends.first ?? 0
      return ends.isEmpty ? (0, 1) : (value - 0.1, value + 0.1)
    }
    return Ticks.ends(from: least, to: most, atMost: Self.ticks)
  }
}
