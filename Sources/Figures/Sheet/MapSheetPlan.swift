internal import Drawing

/// The rows and columns of a sheet of maps, and what its maps are of.
///
/// Layers, heads, steps and frames that are neither rows nor columns are aggregated by the recipe; method, seed
/// and word must then be the same for all maps.
public struct MapSheetPlan: Hashable, Sendable {
  /// A facet of rows or columns.
  public enum Facet: String, Hashable, Sendable, CaseIterable {
    /// The method of the run.
    case method
    /// The value of the knob of its method; see ``MapSheetPlan/knob``.
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
    /// A frame of a video.
    case frame
  }

  /// From the outermost to the innermost, top to bottom.
  public var rows: [Facet]
  /// From the outermost to the innermost, left to right.
  public var columns: [Facet]
  /// Words as `WordReference` reads them; empty for the runs' subjects.
  public var words: [String]
  /// Whether all tokens of the prompt are shown, from the start token to the end token.
  public var showsAllTokens: Bool
  /// Steps to show where ``Facet/step`` is a facet; empty for eight from the first to the last.
  public var steps: [Int]
  /// Frames to show where ``Facet/frame`` is a facet; empty for eight from the first to the last.
  public var frames: [Int] = []
  /// The knob of the facet ``Facet/knob``, as a run's manifest names it: `scale-factor`; empty for none.
  public var knob: String
  /// Whether to show each run's picture before its maps.
  public var showsPictures: Bool
  /// Whether to show differences: the maps of a guided run − those of plain Stable Diffusion of the same seed.
  public var showsDifferences: Bool
  /// How maps are made, as `Recipe` reads it; empty for the mean over heads, the layers that the
  /// loss reads, and steps.
  public var recipe: String

  /// A plan; by default, words are the runs' subjects and the recipe is the default one.
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

  package static let tokens = MapSheetPlan(
    rows: [.seed, .method], columns: [.word], showsAllTokens: true, showsPictures: true)
  package static let steps = MapSheetPlan(rows: [.seed, .method, .word], columns: [.step])
  package static let frames = MapSheetPlan(rows: [.seed, .method, .word], columns: [.frame])
  package static let layers = MapSheetPlan(
    rows: [.seed, .method, .word], columns: [.layer], recipe: "mean(layer: *)")
  package static let heads = MapSheetPlan(
    rows: [.seed, .method, .word, .layer], columns: [.head], recipe: "mean(layer: *)")
  package static let seeds = MapSheetPlan(
    rows: [.seed], columns: [.method, .word], showsPictures: true)
  package static let methods = MapSheetPlan(
    rows: [.method], columns: [.seed, .word], showsPictures: true)
  package static let difference = MapSheetPlan(
    rows: [.seed], columns: [.method, .word], showsPictures: true, showsDifferences: true)
  /// A row for each value of `knob`, as in `scale-factor`.
  public static func sweep(knob: String) -> MapSheetPlan {
    MapSheetPlan(rows: [.knob], columns: [.seed, .word], knob: knob, showsPictures: true)
  }

  /// The plan with a picture before each run's maps where `style` draws maps beside pictures.
  func drawn(in style: MapStyle) -> MapSheetPlan {
    var plan = self
    if style.overlay == .side { plan.showsPictures = true }
    return plan
  }

  /// All facets, rows' first.
  var facets: [Facet] { rows + columns }
}
