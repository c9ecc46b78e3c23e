public import AttentionTrace
internal import Drawing

/// The built-in layouts of sheets.
public enum SheetLayout: String, Hashable, Sendable, CaseIterable {
  /// For each seed the pictures of all methods side by side, below each its maps; of explanations, the
  /// photo and its maps.
  case compare
  /// Every token of the prompt, a row for each run.
  case tokens
  /// Subjects over chosen steps.
  case steps
  /// Subjects over the frames of a video.
  case frames
  /// Subjects in each layer.
  case layers
  /// One word in each head of each layer.
  case heads
  /// A row for each seed.
  case seeds
  /// A row for each method.
  case methods
  /// Guided − plain, a row for each seed.
  case difference
  /// A row for each value of a knob, and charts of what it led to; name the knob with
  /// ``SheetPlan/sweep(knob:)``.
  case sweep
  /// How much the maps of each two words overlap.
  case matrix
  /// Peak attention, loss, excitation scores, entropy and overlap over the steps.
  case curves
  /// The most neglected subjects first.
  case neglect

  /// The layout that shows the methods of `runs` best: ``compare`` for explanations, and for two to
  /// four methods with a run of each for every seed; otherwise ``methods``.
  public init(for runs: [RecordedRun]) {
    let methods = Set(runs.map(\.manifest.method.name))
    self =
      ExplainSheet.shows(runs) || methods.count <= Self.mostColumns && CompareSheet.shows(runs)
      ? .compare : .methods
  }

  /// The most methods whose pictures stay large side by side.
  private static let mostColumns = 4

  /// What the layout shows, before any option changes it; of ``sweep``, its maps.
  public var content: SheetPlan.Content {
    switch self {
    case .compare: .compare(recipe: "")
    case .tokens: .maps(.tokens)
    case .steps: .maps(.steps)
    case .frames: .maps(.frames)
    case .layers: .maps(.layers)
    case .heads: .maps(.heads)
    case .seeds: .maps(.seeds)
    case .methods: .maps(.methods)
    case .difference: .maps(.difference)
    case .sweep: .maps(.sweep(knob: ""))
    case .matrix: .matrix(words: [], recipe: "")
    case .curves: .curves(measures: [], recipe: "")
    case .neglect: .neglect(cases: NeglectSheet.defaultCases, recipe: "")
    }
  }
}
