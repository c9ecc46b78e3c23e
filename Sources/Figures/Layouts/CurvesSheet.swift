/// Measures of runs over the denoising steps: a panel for each, a line for each method.
///
/// Of five and more seeds of a method the median is drawn, in a band from the 25th to the 75th
/// percentile; of fewer, each seed's line.
public struct CurvesSheet: Sendable {
  /// What is measured at each step.
  public enum Measure: String, Hashable, Sendable, CaseIterable {
    /// The objective's loss.
    case loss
    /// Each subject's largest attention, as the loss reads it.
    case maxima
    /// The entropy of each subject's map as a share of the largest possible.
    case entropy
    /// The soft Jaccard index of the maps of each pair of subjects.
    case overlap
  }

  /// A method and what it did over the steps.
  package struct Method: Sendable {
    /// As in `Attend-and-Excite`.
    package var title: String
    /// Whether it is the method without guidance.
    package var isPlain: Bool
    /// The seeds of its runs, ascending.
    package var seeds: [UInt64]
    /// Steps, from the first, in which the latent was altered.
    package var alteredSteps: Int
    /// Attention that every subject must reach, by step.
    package var thresholds: [Int: Double]
    /// Tries of iterative refinement, by step, added up over the seeds.
    package var tries: [Int: Int]

    package init(
      title: String, isPlain: Bool, seeds: [UInt64], alteredSteps: Int = 0,
      thresholds: [Int: Double] = [:], tries: [Int: Int] = [:]
    ) {
      self.title = title
      self.isPlain = isPlain
      self.seeds = seeds
      self.alteredSteps = alteredSteps
      self.thresholds = thresholds
      self.tries = tries
    }
  }

  /// One measure of one subject or pair.
  package struct Panel: Sendable {
    package var measure: Measure
    /// The subjects measured: none for the loss, two for an overlap.
    package var subjects: [String]
    /// `[method][seed][step]`; NaN where nothing was recorded.
    package var values: [[[Double]]]

    package init(measure: Measure, subjects: [String], values: [[[Double]]]) {
      self.measure = measure
      self.subjects = subjects
      self.values = values
    }
  }

  package var prompt: String
  /// Denoising steps.
  package var steps: Int
  /// The method without guidance first; one at least.
  package var methods: [Method]
  /// In the order in which they are drawn; one at least.
  package var panels: [Panel]
  /// How the maps of entropy and overlap were made.
  package var recipe: String
  /// What was asked for and not recorded, a sentence each.
  package var gaps: [String]
  package var metadata: Scene.Metadata

  package init(
    prompt: String, steps: Int, methods: [Method], panels: [Panel], recipe: String,
    gaps: [String] = [], metadata: Scene.Metadata
  ) {
    self.prompt = prompt
    self.steps = steps
    self.methods = methods
    self.panels = panels
    self.recipe = recipe
    self.gaps = gaps
    self.metadata = metadata
  }

  /// How each method looks.
  var styles: [CurveStyle] {
    var others = CurveStyle.others.makeIterator()
    return methods.map { $0.isPlain ? .plain : others.next() ?? .plain }
  }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard !methods.isEmpty, !panels.isEmpty else {
      throw FigureError.inconsistentSheet("nothing to show")
    }
    let others = methods.count { !$0.isPlain }
    guard others <= CurveStyle.others.count else {
      throw FigureError.inconsistentSheet(
        "\(others) methods beside \(CompareSheet.title(Self.plainMethod)); lines of "
          + "\(CurveStyle.others.count) at most can be told apart")
    }
  }
}
