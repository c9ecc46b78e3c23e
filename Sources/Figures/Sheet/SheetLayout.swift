public import AttentionTrace

/// The built-in layouts of sheets.
public enum SheetLayout: String, Hashable, Sendable, CaseIterable {
  /// Pictures, maps and curves of a plain and a guided run for each seed; of explanations, the photo and
  /// its maps.
  case compare
  /// Every token of the prompt, a row for each run.
  case tokens
  /// Subjects over chosen steps.
  case steps
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
  /// A row for each value of a knob; name the knob with ``MapSheetPlan/sweep(knob:)``.
  case sweep
  /// How much the maps of each two words overlap.
  case matrix
  /// Loss, largest attention, entropy and overlap over the steps.
  case curves
  /// The most neglected subjects first.
  case neglect

  /// The layout that shows the methods of `runs` best: ``compare`` for explanations and for plain Stable
  /// Diffusion with Attend-and-Excite, otherwise ``methods``.
  public init(for runs: [RecordedRun]) {
    let methods = Set(runs.map(\.manifest.method.name))
    self =
      methods == ["stable-diffusion", "attend-and-excite"] || methods == ["explain"]
      ? .compare : .methods
  }

  /// What the layout shows, before any option changes it.
  public var content: SheetPlan.Content {
    switch self {
    case .compare: .compare(recipe: "")
    case .tokens: .maps(.tokens)
    case .steps: .maps(.steps)
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
