/// What stands below each other and beside each other on a sheet of maps.
///
/// What is named neither in rows nor in columns is put together by the recipe (layers, heads, steps) or
/// must be the same for all maps (method, seed, word).
public struct MapSheetPlan: Hashable, Sendable {
  /// What tells one map from another.
  public enum Facet: String, Hashable, Sendable, CaseIterable {
    /// How the run was made, as in Attend-and-Excite.
    case method
    /// What the knob of its method was turned to; see ``MapSheetPlan/knob``.
    case knob
    /// The seed of its noise.
    case seed
    /// A word of the prompt.
    case word
    /// A cross-attention layer.
    case layer
    /// A head of a layer.
    case head
    /// An iteration of the scheduler.
    case step
  }

  /// Built-in plans.
  public enum Layout: String, Hashable, Sendable, CaseIterable {
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
    /// Excited less plain, a row for each seed.
    case difference
    /// A row for each value of a knob.
    case sweep
  }

  /// From the outermost to the innermost, top to bottom.
  public var rows: [Facet]
  /// From the outermost to the innermost, left to right.
  public var columns: [Facet]
  /// Words as `WordReference` reads them; empty for the runs' subjects.
  public var words: [String]
  /// Whether all tokens of the prompt are shown, from the start token to the end token.
  public var showsAllTokens: Bool
  /// Steps to show where steps are a facet; empty for eight from the first to the last.
  public var steps: [Int]
  /// The knob that runs are told apart by, as the manifest of a run names it: `scale-factor`; empty for
  /// none.
  public var knob: String
  /// Whether each run's picture stands before its maps.
  public var showsPictures: Bool
  /// Whether maps are those of a method less those of plain Stable Diffusion on the same seed.
  public var showsDifferences: Bool
  /// How maps are made, as `Recipe` reads it; empty for the mean over all heads, layers and steps.
  public var recipe: String

  /// Describes a sheet; see the properties.
  public init(
    rows: [Facet], columns: [Facet], words: [String] = [], showsAllTokens: Bool = false,
    steps: [Int] = [], knob: String = "", showsPictures: Bool = false,
    showsDifferences: Bool = false,
    recipe: String = ""
  ) {
    self.rows = rows
    self.columns = columns
    self.words = words
    self.showsAllTokens = showsAllTokens
    self.steps = steps
    self.knob = knob
    self.showsPictures = showsPictures
    self.showsDifferences = showsDifferences
    self.recipe = recipe
  }

  /// A built-in plan.
  public init(_ layout: Layout) {
    switch layout {
    case .tokens:
      self.init(
        rows: [.seed, .method], columns: [.word], showsAllTokens: true, showsPictures: true)
    case .steps: self.init(rows: [.seed, .method, .word], columns: [.step])
    case .layers:
      self.init(rows: [.seed, .method, .word], columns: [.layer], recipe: "mean(layer: *)")
    case .heads:
      self.init(
        rows: [.seed, .method, .word, .layer], columns: [.head], recipe: "mean(layer: *)")
    case .seeds: self.init(rows: [.seed], columns: [.method, .word], showsPictures: true)
    case .methods: self.init(rows: [.method], columns: [.seed, .word], showsPictures: true)
    case .sweep: self.init(rows: [.knob], columns: [.seed, .word], showsPictures: true)
    case .difference:
      self.init(
        rows: [.seed], columns: [.method, .word], showsPictures: true, showsDifferences: true)
    }
  }

  /// All facets, rows' first.
  var facets: [Facet] { rows + columns }
}
