public import AttentionAnalysis
public import AttentionTrace

/// What is exported of recorded runs, and in which form.
public struct ExportRequest: Hashable, Sendable {
  /// The forms in which the arrays are written.
  public var formats: [ExportFormat]
  /// The part of the recordings that is exported.
  public var selection: RecordingSelection
  /// How maps are aggregated; `nil` exports them as they were recorded, layer by layer.
  public var recipe: Recipe?
  /// The head weights that the recipe names, by path.
  public var weights: [String: HeadWeights]
  /// Whether the recipe is applied to each call separately.
  public var eachStep: Bool
  /// How numbers are stored; `nil` takes what was recorded, and float32 for what a recipe computes.
  public var precision: RecordingPlan.Precision?
  /// Whether CSV may become larger than ``csvLimit``.
  public var allowsLargeTables: Bool

  /// The largest estimated size of CSV files in bytes, unless larger ones are allowed.
  public static let csvLimit = 256 << 20

  /// An export of what `selection` takes, as it was recorded or by a recipe.
  public init(
    formats: [ExportFormat] = [.npy], selection: RecordingSelection = RecordingSelection(),
    recipe: Recipe? = nil, weights: [String: HeadWeights] = [:], eachStep: Bool = false,
    precision: RecordingPlan.Precision? = nil, allowsLargeTables: Bool = false
  ) {
    self.formats = formats
    self.selection = selection
    self.recipe = recipe
    self.weights = weights
    self.eachStep = eachStep
    self.precision = precision
    self.allowsLargeTables = allowsLargeTables
  }
}
