package import AttentionTrace

/// What the numbers of a map are, in words for a figure: `mean attention probability, 16×16, 3 layers ×
/// 4 heads, 50 steps`.
package struct MapQuantity: Hashable, Sendable, CustomStringConvertible {
  /// The words.
  package let description: String

  /// - Parameters:
  ///   - recipe: how the map was made.
  ///   - layers: those that were combined.
  ///   - grid: of the map.
  ///   - calls: how many were combined; `nil` to leave the steps out.
  ///   - apart: the axes that are not reduced: a map stands for each of their places.
  package init(
    _ recipe: Recipe, layers: [AttentionSite], grid: Grid, calls: Int?,
    apart: Set<Recipe.Axis> = []
  ) {
    let operations = recipe.operations.filter { operation in
      if case .reduce(let axis, _, _) = operation { !apart.contains(axis) } else { true }
    }
    let other = operations.compactMap(Self.words)
    let isMean = operations.contains { if case .reduce(_, .mean, _) = $0 { true } else { false } }
    let places = [
      apart.contains(.layer) ? nil : "\(grid.rows)×\(grid.columns)",
      Self.sources(recipe, layers, apart), Self.frames(recipe, layers, apart),
      Self.steps(recipe, calls, apart),
    ]
    description =
      ([isMean ? "mean attention probability" : "attention probability"] + other
      + Self.selection(recipe) + places.compactMap(\.self)).joined(separator: ", ")
  }

  /// What the maps of several methods measure, in one text: of methods whose maps do not measure the
  /// same, of each.
  package static func text(of methods: [(method: String, quantity: String)]) -> String {
    Set(methods.map(\.quantity)).count < 2
      ? methods.first?.quantity ?? ""
      : methods.map { "\($0.method): \($0.quantity)" }.uniqued.joined(separator: "; ")
  }

  /// The same of one map.
  package init(_ map: SubjectMap, apart: Set<Recipe.Axis> = []) {
    self.init(map.recipe, layers: map.layers, grid: map.grid, calls: map.calls, apart: apart)
  }

  /// An operation that is not a mean.
  private static func words(_ operation: Recipe.Operation) -> String? {
    switch operation {
    case .reduce(_, .mean, _): nil
    case .reduce(let axis, .sum, _): "sum over \(plural(axis))"
    case .reduce(let axis, .max, _): "largest over \(plural(axis))"
    case .reduce(let axis, .last, _): "last of the \(plural(axis))"
    case .reduce(let axis, .weighted, _): "\(plural(axis)) weighted"
    case .normalize: "as a share of the tokens’ sum"
    case .softmax(let scale, _): "softmax over tokens of \(number(scale)) × the probability"
    case .minmax: "each map scaled to 0…1"
    case .smooth: "smoothed"
    case .resize(let kernel, _): "resized (\(kernel.rawValue))"
    case .clamp: "negative values set to 0"
    }
  }

  private static func plural(_ axis: Recipe.Axis) -> String {
    axis == .branch ? "branches" : "\(axis.rawValue)s"
  }

  /// Branches and phases other than the usual ones.
  private static func selection(_ recipe: Recipe) -> [String] {
    var words: [String] = []
    if recipe.branches == [.unconditional] { words.append("unconditional branch") }
    if recipe.branches.count > 1 { words.append("both branches") }
    if recipe.phases != [.denoise] {
      let phases = Phase.allCases.filter(recipe.phases.contains).map(\.rawValue)
      words.append("passes for \(phases.joined(separator: " and "))")
    }
    if recipe.direction == .imageToText { words.append("image rows, text columns") }
    return words
  }

  /// The layers and heads, as in `3 layers × 4 heads`.
  private static func sources(
    _ recipe: Recipe, _ layers: [AttentionSite], _ apart: Set<Recipe.Axis>
  ) -> String? {
    let each = [Recipe.Axis.layer, .head].filter(apart.contains).map(\.rawValue)
    var chosen: Int?
    for case .reduce(.head, _, .indices(let heads)) in recipe.operations { chosen = heads.count }
    let all = Set(layers.map(\.heads)).sorted().map(String.init).joined(separator: " or ")
    let heads = chosen.map(String.init) ?? all
    var counts: [String] = []
    if !apart.contains(.layer) {
      counts.append("\(layers.count) \(layers.count == 1 ? "layer" : "layers")")
    }
    if !apart.contains(.head) { counts.append("\(heads) \(heads == "1" ? "head" : "heads")") }
    let parts =
      (counts.isEmpty ? [] : [counts.joined(separator: " × ")])
      + (each.isEmpty ? [] : ["each \(each.joined(separator: " and "))"])
    return parts.joined(separator: ", ")
  }

  /// The frames of a video, as in `13 frames`, `frame 3` or `each frame`; `nil` for a picture.
  private static func frames(
    _ recipe: Recipe, _ layers: [AttentionSite], _ apart: Set<Recipe.Axis>
  ) -> String? {
    if apart.contains(.frame) { return "each frame" }
    guard let all = layers.first?.frames else { return nil }
    guard let frames = recipe.frames else { return all == 1 ? "1 frame" : "\(all) frames" }
    return frames.count == 1 ? "frame \(frames[0])" : "\(frames.count) of \(all) frames"
  }

  /// The steps, as in `50 steps` or `steps 0–9`.
  private static func steps(
    _ recipe: Recipe, _ calls: Int?, _ apart: Set<Recipe.Axis>
  ) -> String? {
    if apart.contains(.step) { return "each step" }
    guard let calls else { return nil }
    if let steps = recipe.steps, let first = steps.first, let last = steps.last,
      steps.count == last - first + 1
    {
      return TableText.steps(first...last)
    }
    guard recipe.phases == [.denoise] else { return "\(calls) passes" }
    let steps = calls / max(recipe.branches.count, 1)
    return "\(steps) \(steps == 1 ? "step" : "steps")"
  }

  /// A number without a fraction that says nothing.
  private static func number(_ value: Float) -> String {
    value == value.rounded() && abs(value) < 1e6 ? String(Int(value)) : String(value)
  }
}
