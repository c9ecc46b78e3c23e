public import AttentionTrace
public import PromptText

/// How recorded attention becomes one map: which calls, layers, heads and tokens, and in what order
/// they are reduced, renormalised, smoothed and enlarged.
///
/// It is written as its operations in the order in which they are done, then the branches and phases
/// of the calls that are taken: `mean(head) mean(layer: 16x16) mean(step: 0..49) conditional
/// denoise`. It is parsed from that text, printed back canonically, and stored with whatever was
/// computed by it. The grammar stands at ``init(parsing:)``.
public struct Recipe: Hashable, Sendable {
  /// An axis of a recording that a reduction removes.
  public enum Axis: String, Hashable, Sendable, CaseIterable {
    /// The heads of a layer.
    case head
    /// The layers; their maps must be on one grid by then.
    case layer
    /// The passes of the UNet: the scheduler's iterations, and tries of refinement where the phases
    /// taken have such.
    case step
    /// The two halves of guidance.
    case branch
    /// The pictures of a video, as the layers have them; runs of one picture have none.
    case frame
  }

  /// How several numbers are reduced to one.
  public enum Reduction: Hashable, Sendable {
    /// Their mean.
    case mean
    /// Their sum.
    case sum
    /// The largest of them.
    case max
    /// The last of them in the run; of steps and layers.
    case last
    /// Their sum, each head's numbers times its weight.
    case weighted(HeadWeights.Reference)
  }

  /// Which indices of an axis a reduction takes.
  public enum Selection: Hashable, Sendable {
    /// Everything that was recorded.
    case all
    /// Heads, steps or frames by index, ascending.
    case indices([Int])
    /// Layers by patterns: a grid, a glob over site paths, or ``Recipe/lossGrid``.
    case layers([String])
  }

  /// Tokens that a renormalisation excludes.
  public enum TokenClass: String, Hashable, Sendable, CaseIterable {
    /// The token before the prompt.
    case start
    /// The token after the prompt.
    case end
    /// Everything after the end token, and padding before the text.
    case padding
    /// A chat template's words around the text.
    case template
    /// The window's last position.
    case last
    /// The tokens that the run's loss excludes: start and last, or start, end and padding.
    case unread
  }

  /// Which part of joint attention is read: what asks, and what is attended to.
  public enum Direction: String, Hashable, Sendable, CaseIterable {
    /// The rows of the picture's cells, over the text's tokens, as cross-attention has them.
    case imageToText = "image-to-text"
  }

  /// How a map is resized.
  public enum Interpolation: String, Hashable, Sendable, CaseIterable {
    /// The nearest cell, as torch's `nearest-exact`.
    case nearest
    /// As torch's `bilinear`, `align_corners=False`.
    case bilinear
    /// As torch's `bicubic`, `align_corners=False`: Keys's kernel with a = -0.75. Overshoots.
    case bicubic
  }

  /// The size a map is resized to.
  public enum Size: Hashable, Sendable {
    /// Rows and columns.
    case grid(Grid)
    /// The largest grid of the chosen layers.
    case largest
  }

  /// One operation on the way from chunks to a map.
  public enum Operation: Hashable, Sendable {
    /// Removes an axis.
    case reduce(Axis, Reduction, Selection)
    /// Divides by the sum over tokens, of those not left out; the others become 0.
    case normalize(without: Set<TokenClass>)
    /// Softmax over tokens of `scale` times the numbers, of those not left out; the others become 0.
    case softmax(scale: Float, without: Set<TokenClass>)
    /// Scales each token's map to 0…1: minus its smallest value, divided by its range. A constant map
    /// becomes 0.
    case minmax
    /// A Gaussian of `side` cells and standard deviation `sigma`, the edges mirrored, the edge cell
    /// itself once.
    case smooth(side: Int, sigma: Float)
    /// Enlarges (or shrinks) each map.
    case resize(Interpolation, Size)
    /// Sets negative numbers, which bicubic interpolation produces, to 0.
    case clamp
  }

  /// How the maps of a word's pieces become the word's.
  public enum PieceReduction: String, Hashable, Sendable, CaseIterable {
    /// Their mean, cell by cell.
    case mean
    /// Their sum.
    case sum
    /// The largest, cell by cell.
    case max
    /// The first piece alone.
    case first
    /// The last piece alone.
    case last
  }

  /// The pattern of layers that means the grid the run's objective reads.
  public static let lossGrid = "loss-grid"

  /// What is done, in order; each axis but `branch` and `frame` is reduced exactly once.
  public private(set) var operations: [Operation]
  /// How the maps of a word's pieces become the word's.
  public var pieces: PieceReduction
  /// The words to map; if it is empty, the caller chooses them.
  public var tokens: [WordReference]
  /// The branches of guidance that are read.
  public private(set) var branches: Set<Branch>
  /// The phases that are read.
  public var phases: Set<Phase>
  /// Which part of joint attention is read; `nil` where it does not matter, as in cross-attention.
  public private(set) var direction: Direction?

  /// The mean over heads, then layers, then steps.
  public init(
    layers: String, steps: ClosedRange<Int>? = nil, branch: Branch = .conditional,
    phase: Phase = .denoise
  ) {
    operations = [
      .reduce(.head, .mean, .all), .reduce(.layer, .mean, .layers([layers])),
      .reduce(.step, .mean, steps.map { .indices(Array($0)) } ?? .all),
    ]
    (pieces, tokens, branches, phases) = (.mean, [], [branch], [phase])
  }

  /// A recipe of the given operations.
  /// - Throws: what is wrong with it, in words.
  init(
    operations: [Operation], pieces: PieceReduction, tokens: [WordReference], branches: Set<Branch>,
    phases: Set<Phase>, direction: Direction? = nil
  ) throws(Flaw) {
    (self.operations, self.pieces, self.tokens) = (operations, pieces, tokens)
    self.branches = branches.isEmpty ? [.conditional] : branches
    self.phases = phases.isEmpty ? [.denoise] : phases
    self.direction = direction
    func place(_ axis: Axis) -> Int? {
      self.operations.firstIndex { if case .reduce(axis, _, _) = $0 { true } else { false } }
    }
    if place(.layer) == nil { throw Flaw(reason: "expected a layer, as in mean(layer: 16x16)") }
    if place(.head) == nil { self.operations.insert(.reduce(.head, .mean, .all), at: 0) }
    if self.branches.count > 1, place(.branch) == nil {
      throw Flaw(reason: "expected mean(branch), sum(branch) or max(branch) for both branches")
    }
    if place(.step) == nil { self.operations.append(.reduce(.step, .mean, .all)) }
  }

  /// A recipe that cannot be, without the place.
  struct Flaw: Error { let reason: String }

  /// Whether a call is one of those taken.
  package func takes(_ call: CallRecord) -> Bool {
    branches.contains(call.branch) && phases.contains(call.phase)
      && steps.map { $0.contains(call.step) } ?? true
  }

  /// The steps taken, ascending; `nil` takes all.
  public var steps: [Int]? {
    for case .reduce(.step, _, .indices(let steps)) in operations { return steps }
    return nil
  }

  /// The frames taken, ascending; `nil` takes all.
  package var frames: [Int]? {
    for case .reduce(.frame, _, .indices(let frames)) in operations { return frames }
    return nil
  }

  /// The patterns of layers.
  public var layers: [String] {
    for case .reduce(.layer, _, .layers(let patterns)) in operations { return patterns }
    return []
  }

  /// The files of head weights that it names.
  public var weightFiles: [String] {
    operations.compactMap { operation in
      guard case .reduce(_, .weighted(.file(let path)), _) = operation else { return nil }
      return path
    }
  }

  /// The same recipe of other steps.
  public func taking(steps: [Int]) -> Recipe {
    replacing(.step, with: .indices(steps))
  }

  /// The same recipe of other layers.
  public func taking(layers: [String]) -> Recipe {
    replacing(.layer, with: .layers(layers))
  }

  /// The same recipe, which says that it reads the rows of the picture's cells over the text's tokens.
  var readingImageRows: Recipe {
    var recipe = self
    recipe.direction = .imageToText
    return recipe
  }

  /// The same recipe with ``lossGrid`` replaced by the grid that the run's loss reads, with the direction
  /// that is read of joint attention, and, where it leaves the frames of a video open, with their mean.
  public func resolved(for run: RecordedRun) -> Recipe { resolved(of: run) }

  /// The same for any source.
  func resolved(of source: any ChunkSource) -> Recipe {
    var recipe = resolved(lossGrid: source.lossGrid)
    let sites = recipe.chosen(of: source)
    if sites.contains(where: { $0.site.kind == .joint }) { recipe = recipe.readingImageRows }
    if sites.contains(where: { $0.site.frames != nil }), !recipe.reducesFrames {
      recipe.operations.insert(.reduce(.frame, .mean, .all), at: 0)
    }
    return recipe
  }

  /// Whether it says what becomes of the frames of a video.
  var reducesFrames: Bool {
    operations.contains { if case .reduce(.frame, _, _) = $0 { true } else { false } }
  }

  /// The layers that the recipe chooses of a source; keywords are in their place already.
  func chosen(of source: any ChunkSource) -> [RecordedSite] {
    source.sites.filter { site in
      site.site.kind.readsText && layers.contains { LayerPattern($0).matches(site) }
    }
  }

  /// The same recipe with `grid` in the place of ``lossGrid``.
  func resolved(lossGrid grid: Grid) -> Recipe {
    taking(layers: layers.map { $0 == Self.lossGrid ? grid.description : $0 })
  }

  private func replacing(_ axis: Axis, with selection: Selection) -> Recipe {
    var recipe = self
    recipe.operations = operations.map { operation in
      if case .reduce(axis, let reduction, _) = operation {
        return .reduce(axis, reduction, selection)
      }
      return operation
    }
    return recipe
  }

  /// Whether every step of the way treats each token by itself.
  var treatsTokensApart: Bool {
    operations.allSatisfy {
      switch $0 {
      case .normalize, .softmax: false
      default: true
      }
    }
  }
}

// MARK: - Text

extension Recipe: CustomStringConvertible {
  /// The recipe's canonical text, from which ``init(parsing:)`` makes it again.
  public var description: String {
    var parts = operations.map(\.description)
    if pieces != .mean { parts.append("\(pieces.rawValue)(piece)") }
    if !tokens.isEmpty {
      parts.append("tokens(\(tokens.map(\.description).joined(separator: ", ")))")
    }
    parts += Branch.allCases.reversed().filter(branches.contains).map(\.rawValue)
    parts += Phase.allCases.filter(phases.contains).map(\.rawValue)
    if let direction { parts.append(direction.rawValue) }
    return parts.joined(separator: " ")
  }
}

extension Recipe.Operation: CustomStringConvertible {
  /// As it is written in a recipe.
  public var description: String {
    switch self {
    case .reduce(let axis, let reduction, let selection):
      Self.text(axis, reduction, selection)
    case .normalize(let classes): "normalize(token\(Self.without(classes, after: ":")))"
    case .softmax(let scale, let classes):
      "softmax(token: \(Self.number(scale))\(Self.without(classes, after: "")))"
    case .minmax: "minmax(pixel)"
    case .smooth(let side, let sigma): "smooth(pixel: \(side) \(Self.number(sigma)))"
    case .resize(let kernel, .grid(let grid)): "resize(pixel: \(kernel.rawValue) \(grid))"
    case .resize(let kernel, .largest): "resize(pixel: \(kernel.rawValue) largest)"
    case .clamp: "clamp(pixel)"
    }
  }

  private static func text(
    _ axis: Recipe.Axis, _ reduction: Recipe.Reduction, _ selection: Recipe.Selection
  ) -> String {
    let chosen =
      switch selection {
      case .all: ""
      case .indices(let indices): ranges(indices)
      case .layers(let patterns): patterns.joined(separator: ", ")
      }
    let name: String
    var argument = chosen
    switch reduction {
    case .mean: name = "mean"
    case .sum: name = "sum"
    case .max: name = "max"
    case .last: name = "last"
    case .weighted(let weights):
      name = "weighted"
      argument = weights.description
    }
    return argument.isEmpty ? "\(name)(\(axis))" : "\(name)(\(axis): \(argument))"
  }

  /// Ascending indices as ranges, as in `0..3,7`.
  private static func ranges(_ indices: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for index in indices {
      if let last = ranges.last, last.upperBound + 1 == index {
        ranges[ranges.count - 1] = last.lowerBound...index
      } else {
        ranges.append(index...index)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)..\($0.upperBound)" }
      .joined(separator: ",")
  }

  private static func without(_ classes: Set<Recipe.TokenClass>, after mark: String) -> String {
    classes.isEmpty
      ? ""
      : "\(mark) without "
        + Recipe.TokenClass.allCases.filter(classes.contains).map(\.rawValue).joined(separator: " ")
  }

  /// A number without a fraction that says nothing.
  private static func number(_ value: Float) -> String {
    value == value.rounded() && abs(value) < 1e6 ? String(Int(value)) : String(value)
  }
}
