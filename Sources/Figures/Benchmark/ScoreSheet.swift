package import AttentionAnalysis
package import Drawing

/// Scores of a benchmark's methods as bars with intervals, a chart for each score and subset.
///
/// Source: Chefer et al., Attend-and-Excite, 2023, figure 8: the full prompt and the minimum object, three
/// subsets, and pictures of the subjects as an upper bound.
package struct ScoreSheet: Sendable {
  /// A part of the suite.
  package struct Subset: Sendable {
    let name: String
    /// How many pictures of each method are scored, as in `288` or `280 to 288`.
    let count: String

    /// The part `name`, with what there is of it.
    package init(name: String, pictures: [Int]) {
      let (least, most) = (pictures.min() ?? 0, pictures.max() ?? 0)
      (self.name, count) = (name, least == most ? "\(most)" : "\(least) to \(most)")
    }
  }

  /// A method.
  package struct Method: Sendable {
    let title: String
    /// Whether it is the one without guidance.
    let isPlain: Bool

    /// A method by its name for people.
    package init(title: String, isPlain: Bool) { (self.title, self.isPlain) = (title, isPlain) }
  }

  /// A score, with a row of charts.
  package struct Score: Sendable {
    let title: String
    /// `[subset][method]` means; NaN where nothing is scored.
    package let means: [[BootstrapInterval]]
    /// `[subset]` what no method can be expected to pass; `nil` where that is not known.
    package let bounds: [BootstrapInterval?]

    /// A score of all methods on all subsets.
    package init(
      title: String, means: [[BootstrapInterval]], bounds: [BootstrapInterval?]
    ) {
      (self.title, self.means, self.bounds) = (title, means, bounds)
    }
  }

  /// The suite's name.
  let suite: String
  /// The checkpoint that made the pictures.
  let model: String
  let subsets: [Subset]
  let methods: [Method]
  let scores: [Score]
  /// What `bounds` are of; empty where there are none.
  let bound: String
  let metadata: Scene.Metadata

  /// A chart of `scores` by `methods`.
  package init(
    suite: String, model: String, subsets: [Subset], methods: [Method], scores: [Score],
    bound: String = "", metadata: Scene.Metadata
  ) {
    (self.suite, self.model, self.subsets, self.methods) = (suite, model, subsets, methods)
    (self.scores, self.bound, self.metadata) = (scores, bound, metadata)
  }
}

extension ScoreSheet {
  /// Whether there is nothing to draw.
  package var isEmpty: Bool { subsets.isEmpty || methods.isEmpty || scores.isEmpty }
}

extension ScoreSheet.Score {
  /// The axis that all its charts share, from the least to the greatest end of an interval.
  var axis: BarChart.Axis {
    BarChart.Axis(
      holding: (means.joined() + bounds.compactMap(\.self)).flatMap {
        [$0.estimate, $0.lower, $0.upper]
      })
  }
}
