package import AttentionTrace
internal import PromptText
internal import TensorEngine

/// One recipe at work on one recording.
///
/// The operations are undone from the last to the first: to reduce layers or steps, each of them is
/// made by what stands before. So each chunk is read once, and memory holds a few maps, whatever
/// the length of the run.
package struct RecipeEvaluation {
  package let source: any ChunkSource
  /// With every keyword of the run put in its place.
  package let recipe: Recipe
  /// Sites of the chosen layers, in the model's order.
  package let sites: [RecordedSite]
  /// The tokens that are wanted, ascending.
  package let tokens: [Int]
  private let weights: [String: HeadWeights]
  /// The columns that are read of each chunk: tokens, and ``padding`` where it stands for some.
  private let read: [Int]
  private let largest: Grid
  /// Calls that were acknowledged, but of which a chunk that is needed is missing: they are skipped.
  package let missing: Set<Int>

  /// - Parameters:
  ///   - tokens: those wanted, or `nil` for all that were recorded.
  ///   - keepsLayersApart: whether layers may stand on different grids, since none is put together
  ///     with another.
  package init(
    _ recipe: Recipe, of source: any ChunkSource, tokens: [Int]?, weights: [String: HeadWeights],
    keepsLayersApart: Bool = false
  ) throws {
    self.source = source
    let recipe = recipe.resolved(of: source)
    let patterns = recipe.layers
    let chosen = recipe.chosen(of: source)
    guard let first = chosen.first, let recorded = first.tokens else {
      let grids = Set(source.sites.map(\.grid.description)).sorted().joined(separator: ", ")
      throw AnalysisError.nothingSelected(
        run: source.name, what: "layers \(patterns.joined(separator: ", "))",
        recorded: grids.isEmpty ? "no layer" : "layers at \(grids)")
    }
    sites = chosen
    largest = chosen.map(\.grid).max { $0.pixels < $1.pixels } ?? first.grid
    self.recipe = recipe
    self.weights = weights
    self.tokens = tokens ?? recorded
    read = try Self.read(self.tokens, by: recipe, of: chosen, source)
    missing = chosen.reduce(into: []) { $0.formUnion(source.missing($1)) }
    try checkHeads()
    try checkFrames()
    if !keepsLayersApart { try checkGrids() }
    try checkCalls()
  }

  /// The first token of each text encoder of the text whose words the maps are of.
  var encoderStarts: [Int] {
    source.tokens(of: recipe.branches == [.unconditional] ? .unconditional : .conditional)?
      .encoderStarts ?? [0]
  }

  /// How many of the calls that the recipe takes are ``missing``.
  package var missingCalls: Int {
    source.calls.count { recipe.takes($0) && missing.contains($0.call) }
  }

  /// The calls that the recipe takes.
  package var calls: [CallRecord] {
    let taken = source.calls.filter { recipe.takes($0) && !missing.contains($0.call) }
    for case .reduce(.step, .last, _) in recipe.operations {
      let last = taken.last { call in sites.contains { source.holds($0, in: call) } }
      return taken.filter { call in last.map { Self.isSamePass(call, $0) } ?? false }
    }
    return taken
  }

  /// The calls of each pass, in the order of the run, at most one of each branch.
  ///
  /// Two passes may have one number: a search for noise counts its tries, and refinement those after it.
  package func passes(of calls: [CallRecord]) -> [[CallRecord]] {
    Self.groups(calls) { pass, call in
      Self.isSamePass(pass[0], call) && !pass.contains { $0.branch == call.branch }
    }
  }

  private static func isSamePass(_ a: CallRecord, _ b: CallRecord) -> Bool {
    a.step == b.step && a.phase == b.phase && a.attempt == b.attempt
  }

  /// Layers on different grids cannot be put together before they are brought to one.
  private func checkGrids() throws {
    var grids = Set(sites.map(\.grid))
    for operation in recipe.operations {
      if case .resize(_, let size) = operation { grids = [grid(size)] }
      if case .reduce(.layer, let reduction, _) = operation, grids.count > 1, reduction != .last {
        throw AnalysisError.nothingSelected(
          run: source.name,
          what: "one grid: layers \(recipe.layers.joined(separator: ", ")) are on "
            + "\(grids.count) grids, and the recipe does not resize them",
          recorded: "layers at \(grids.map(\.description).sorted().joined(separator: ", "))")
      }
    }
  }

  /// Of what the recipe names, all must be there: a mean of less would be another quantity.
  private func checkCalls() throws {
    let (branches, phases) = (source.branches, source.phases)
    for branch in recipe.branches.subtracting(branches).sorted(by: { $0.rawValue < $1.rawValue }) {
      throw AnalysisError.nothingSelected(
        run: source.name, what: "\(branch) calls, which '\(recipe)' takes",
        recorded: "\(branches.map(\.rawValue).sorted().joined(separator: ", ")) calls")
    }
    for phase in recipe.phases.subtracting(phases).sorted(by: { $0.rawValue < $1.rawValue }) {
      throw AnalysisError.nothingSelected(
        run: source.name, what: "\(phase) calls, which '\(recipe)' takes",
        recorded: "\(phases.map(\.rawValue).sorted().joined(separator: ", ")) calls")
    }
    let iterations = source.iterations
    if let beyond = recipe.steps?.last, beyond >= iterations {
      throw AnalysisError.nothingSelected(
        run: source.name, what: "step \(beyond), which '\(recipe)' takes",
        recorded: "steps 0..\(iterations - 1)")
    }
  }

  private func grid(_ size: Recipe.Size) -> Grid {
    if case .grid(let grid) = size { grid } else { largest }
  }

  /// The maps of the wanted tokens made of `calls`, and how many calls were there; `nil` when none
  /// of them was recorded.
  ///
  /// - Parameter kept: those of ``Recipe/Axis/head`` and ``Recipe/Axis/frame`` that stay: whatever
  ///   reduces them is left out, but for frames that are chosen.
  package func maps(
    of calls: [CallRecord], keeping kept: Set<Recipe.Axis> = []
  ) throws -> (stack: MapStack, calls: Int)? {
    if kept.contains(.head) { try checkHeads(areKept: true) }
    var read: Set<Int> = []
    let operations = recipe.operations.filter { operation in
      guard case .reduce(let axis, _, _) = operation, axis == .head || axis == .frame else {
        return true
      }
      return !kept.contains(axis)
    }
    guard var stack = try make(operations[...], calls, sites, &read) else { return nil }
    stack.keep(tokens.compactMap { stack.tokens.firstIndex(of: $0) })
    return (stack, read.count)
  }

  private func make(
    _ operations: ArraySlice<Recipe.Operation>, _ calls: [CallRecord], _ sites: [RecordedSite],
    _ read: inout Set<Int>
  ) throws -> MapStack? {
    guard let last = operations.last else { return try chunk(calls, sites, &read) }
    let rest = operations.dropLast()
    switch last {
    case .reduce(.layer, let reduction, _):
      let sites = reduction == .last ? sites.suffix(1) : sites
      return try reduce(reduction, sites) { try make(rest, calls, [$0], &read) }
    case .reduce(.step, let reduction, _):
      return try reduce(reduction, passes(of: calls)) {
        try make(rest, $0, sites, &read)
      }
    case .reduce(.branch, let reduction, _):
      return try reduce(reduction, Self.groups(calls) { $0[0].branch == $1.branch }) {
        try make(rest, $0, sites, &read)
      }
    case .reduce(.head, let reduction, let selection):
      guard var stack = try make(rest, calls, sites, &read) else { return nil }
      stack.reduceHeads(reduction, weights: try headWeights(reduction, selection, of: stack, sites))
      return stack
    case .reduce(.frame, let reduction, _):
      guard var stack = try make(rest, calls, sites, &read) else { return nil }
      let places = (recipe.frames ?? stack.frames).compactMap { stack.frames.firstIndex(of: $0) }
      stack.reduceFrames(reduction, places: places)
      return stack
    default:
      guard var stack = try make(rest, calls, sites, &read) else { return nil }
      try apply(last, to: &stack, of: calls)
      return stack
    }
  }

  /// Calls that belong together, in their order.
  private static func groups(
    _ calls: [CallRecord], by belongs: ([CallRecord], CallRecord) -> Bool
  ) -> [[CallRecord]] {
    var groups: [[CallRecord]] = []
    for call in calls {
      if let place = groups.firstIndex(where: { belongs($0, call) }) {
        groups[place].append(call)
      } else {
        groups.append([call])
      }
    }
    return groups
  }

  /// Puts the stacks that `make` gives for `parts` together; those without are skipped.
  private func reduce<Part>(
    _ reduction: Recipe.Reduction, _ parts: [Part], _ make: (Part) throws -> MapStack?
  ) throws -> MapStack? {
    var result: MapStack?
    var sums: [Double] = []
    var count = 0
    for part in parts {
      guard let stack = try make(part) else { continue }
      count += 1
      guard var sofar = result else {
        sums = stack.values.map(Double.init)
        result = stack
        continue
      }
      guard sofar.frames == stack.frames else {
        throw AnalysisError.nothingSelected(
          run: source.name,
          what: "'\(recipe)': layers with different numbers of frames cannot be put together",
          recorded: "\(sofar.frames.count) and \(stack.frames.count) frames")
      }
      guard sofar.grid == stack.grid, sofar.heads.count == stack.heads.count else {
        throw differentHeads(sofar.heads.count, stack.heads.count)
      }
      switch reduction {
      case .last: sofar = stack
      case .max:
        for i in sofar.values.indices {
          sofar.values[i] = MapStack.larger(sofar.values[i], stack.values[i])
        }
      default: for i in sums.indices { sums[i] += Double(stack.values[i]) }
      }
      result = sofar
    }
    if reduction == .mean { result?.values = sums.map { Float($0 / Double(count)) } }
    if reduction == .sum { result?.values = sums.map { Float($0) } }
    return result
  }

  private func differentHeads(_ one: Int, _ other: Int) -> AnalysisError {
    .nothingSelected(
      run: source.name,
      what: "'\(recipe)': layers with different numbers of heads cannot be put together "
        + "before heads are reduced",
      recorded: "\(one) and \(other) heads")
  }

  /// The maps of one call and one layer.
  private func chunk(
    _ calls: [CallRecord], _ sites: [RecordedSite], _ read: inout Set<Int>
  ) throws -> MapStack? {
    guard calls.count == 1, sites.count == 1 else {
      bug("\(calls.count) calls and \(sites.count) sites are left, expected one of each")
    }
    let (call, site) = (calls[0], sites[0])
    guard let maps = try source.chunk(site, in: call) else { return nil }
    read.insert(call.call)
    var stack = MapStack(
      heads: site.headIndices, frames: Array(0..<(site.site.frames ?? 1)), grid: site.grid,
      tokens: site.columnIndices, values: maps.values)
    stack.keep(
      self.read.compactMap { index in
        stack.tokens.firstIndex(of: Self.sum(at: index).flatMap(site.index(ofSum:)) ?? index)
      })
    stack.tokens = self.read
    return stack
  }

  private func apply(
    _ operation: Recipe.Operation, to stack: inout MapStack, of calls: [CallRecord]
  ) throws {
    switch operation {
    case .reduce: bug("\(operation) is a reduction")
    case .normalize(let classes):
      stack.normalize(over: try columns(of: stack, without: classes, calls, sums: true))
    case .softmax(let scale, let classes):
      stack.softmax(
        scale: scale, over: try columns(of: stack, without: classes, calls, sums: false))
    case .minmax: stack.minmax()
    case .clamp: stack.clamp()
    case .resize(let kernel, let size): stack.resize(kernel, to: grid(size))
    case .smooth(let side, let sigma):
      guard min(stack.grid.rows, stack.grid.columns) > side / 2 else {
        throw AnalysisError.nothingSelected(
          run: source.name, what: "\(operation): it mirrors \(side / 2) cells at each edge",
          recorded: "a grid of \(stack.grid)")
      }
      stack.smooth(side: side, sigma: sigma)
    }
  }

  /// The columns that are not left out, by the text that the calls read; sums over tokens only where
  /// they may stand for these.
  private func columns(
    of stack: MapStack, without classes: Set<Recipe.TokenClass>, _ calls: [CallRecord], sums: Bool
  ) throws -> [Int] {
    guard !classes.isEmpty else {
      return stack.tokens.indices.filter { sums || stack.tokens[$0] != Self.padding }
    }
    let each = try Set(calls.map(\.branch)).map { branch in
      let terms = RenormalisedTokens(without: classes, of: [try source.table(of: branch)], source)
      let sum = sums && terms.holdPadding(of: sites)
      return stack.tokens.indices.filter { index in
        let token = stack.tokens[index]
        return token == Self.padding ? sum : terms.tokens.contains(token)
      }
    }
    guard let first = each.first, each.allSatisfy({ $0 == first }) else {
      throw AnalysisError.nothingSelected(
        run: source.name,
        what: "'\(recipe)': it leaves out tokens that stand elsewhere in the negative prompt",
        recorded: "both branches; renormalise before mean(branch), or take one branch")
    }
    return first
  }

  /// The weight of each head of `stack`, whose layer is the only one of `sites` or like all of them.
  private func headWeights(
    _ reduction: Recipe.Reduction, _ selection: Recipe.Selection, of stack: MapStack,
    _ sites: [RecordedSite]
  ) throws -> [Float] {
    func nothing(_ what: String) -> AnalysisError {
      .nothingSelected(
        run: source.name, what: what,
        recorded: "heads \(stack.heads.map(String.init).joined(separator: ", ")) of "
          + sites.map(\.site.path).joined(separator: ", "))
    }
    if case .weighted(let reference) = reduction {
      let weights = try self.weights(reference, of: sites)
      guard stack.heads.allSatisfy(weights.indices.contains) else {
        throw nothing("weights of \(weights.count) heads")
      }
      return stack.heads.map { weights[$0] }
    }
    if let reduced = sites.first(where: { $0.reducedHeads != nil }) {
      let count = reduced.heads.count
      if reduction == .sum, let other = sites.map(\.heads.count).first(where: { $0 != count }) {
        throw differentHeads(count, other)
      }
      return [reduction == .sum ? Float(count) : 1]
    }
    guard case .indices(let wanted) = selection else {
      let share = reduction == .mean ? 1 / Float(stack.heads.count) : 1
      return stack.heads.map { _ in share }
    }
    let count = sites.map(\.site.heads).min() ?? 0
    for head in wanted where head < count && !stack.heads.contains(head) {
      throw nothing("head \(head)")
    }
    let chosen = stack.heads.count(where: wanted.contains)
    guard chosen > 0 else {
      throw nothing("heads \(wanted.map(String.init).joined(separator: ", "))")
    }
    let share = reduction == .mean ? 1 / Float(chosen) : 1
    return stack.heads.map { wanted.contains($0) ? share : 0 }
  }

  private func weights(
    _ reference: HeadWeights.Reference, of sites: [RecordedSite]
  ) throws -> [Float] {
    switch reference {
    case .inline(let weights): return weights
    case .file(let path):
      let lists = sites.map { weights[path]?.layers[$0.site.path] }
      guard let first = lists.first, let weights = first, lists.allSatisfy({ $0 == weights }) else {
        throw AnalysisError.nothingSelected(
          run: source.name,
          what: "weights of \(sites.map(\.site.path).joined(separator: ", "))",
          recorded: "\(path) with weights of "
            + (weights[path]?.layers.keys.sorted().joined(separator: ", ") ?? "nothing"))
      }
      return weights
    }
  }
}
