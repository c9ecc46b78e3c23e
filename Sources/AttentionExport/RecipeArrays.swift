internal import AttentionAnalysis
internal import AttentionTrace
internal import Synchronization

// Unsafe: bytes are lent to a sink for the length of its call, which copies or hashes them and
// keeps no pointer.

/// Maps that a recipe makes of several runs, each when it is asked for.
struct RecipeArrays: Sendable {
  /// What the recipe made, with every keyword of the run put in its place.
  let recipe: Recipe
  /// The array, `[run, position, row, column, token]`; the first only for several runs, the second only
  /// for each call by itself.
  let array: ExportedArray
  /// The calls along the second axis, by run; `nil` without it.
  let calls: [[CallRecord]]?
  /// How many calls of each run were skipped because a chunk is missing.
  let passedOver: [Int]
  /// The texts of the branches that the recipe takes.
  let tables: BranchTables

  init(_ runs: AlignedRuns, _ request: ExportRequest, _ recipe: Recipe) throws {
    let selection = request.selection
    let evaluations = try runs.runs.map { run in
      try RecipeEvaluation(
        recipe, of: SelectedRun(run, selection), tokens: selection.tokens,
        weights: request.weights)
    }
    self.recipe = evaluations[0].recipe
    let tables = try runs.tables(self.recipe, nil)
    self.tables = tables
    let parts = try evaluations.map { try Self.parts($0, eachStep: request.eachStep) }
    let calls = request.eachStep ? parts.map { $0.map { $0[0] } } : nil
    if let calls { try runs.check(calls) }
    self.calls = calls
    passedOver = evaluations.map { request.eachStep ? 0 : $0.missingCalls }
    let leading = runs.runAxis + (calls.map { [runs.callAxis($0)] } ?? [])
    let width = request.eachStep ? parts[0].count : 1
    let missing = request.eachStep ? Self.missing(evaluations, parts) : []
    let maker = BlockMaker { block in
      let (run, place) = block.quotientAndRemainder(dividingBy: width)
      guard let made = try evaluations[run].maps(of: parts[run][place]) else {
        throw runs.runs[run].nothing(of: evaluations[run].recipe)
      }
      return made.stack
    }
    guard let first = (0..<width * parts.count).first(where: { !missing.contains($0) }) else {
      throw runs.runs[0].nothing(of: self.recipe)
    }
    let grid = try maker.maps(first).grid
    let precision = request.precision ?? .float32
    let axes = [
      ExportAxis("row", count: grid.rows), ExportAxis("column", count: grid.columns),
      ExportAxis("token", evaluations[0].tokens),
    ]
    array = unsafe ExportedArray(
      name: "maps", layer: nil, axes: leading + axes, type: precision.type,
      attributes: ZarrAttributes(
        longName: "attention by the recipe: \(self.recipe)", units: "1",
        coordinates: ((calls == nil ? runs.runCoordinates : runs.callCoordinates)
          + runs.coordinates(along: axes, tables)).joined(separator: " ")),
      outer: leading.count, missing: missing
    ) { block, sink in try unsafe precision.encode(try maker.maps(block).values, to: sink) }
  }

  /// The calls of each block of a run: of each pass that was recorded, or all of them.
  private static func parts(
    _ evaluation: RecipeEvaluation, eachStep: Bool
  ) throws -> [[CallRecord]] {
    let parts = eachStep ? passes(evaluation) : [evaluation.calls]
    guard let first = parts.first, !first.isEmpty else {
      throw evaluation.source.nothing(of: evaluation.recipe)
    }
    return parts
  }

  /// The passes that the recipe takes, also those of which a chunk is missing.
  private static func passes(_ evaluation: RecipeEvaluation) -> [[CallRecord]] {
    let source = evaluation.source
    let passes = evaluation.passes(
      of: source.calls.filter { call in
        evaluation.recipe.takes(call) && evaluation.sites.contains { source.holds($0, in: call) }
      })
    for case .reduce(.step, .last, _) in evaluation.recipe.operations { return passes.suffix(1) }
    return passes
  }

  /// Blocks of which a chunk is missing.
  private static func missing(
    _ evaluations: [RecipeEvaluation], _ parts: [[[CallRecord]]]
  ) -> Set<Int> {
    var blocks: Set<Int> = []
    for (run, passes) in parts.enumerated() {
      for (place, calls) in passes.enumerated()
      where calls.contains(where: { evaluations[run].missing.contains($0.call) }) {
        blocks.insert(run * passes.count + place)
      }
    }
    return blocks
  }
}

/// Makes maps by block, and keeps the last: each format asks for them in turn.
private final class BlockMaker: Sendable {
  private let make: @Sendable (Int) throws -> MapStack
  private let last = Mutex<(block: Int, maps: MapStack)?>(nil)

  init(_ make: @escaping @Sendable (Int) throws -> MapStack) { self.make = make }

  func maps(_ block: Int) throws -> MapStack {
    if let kept = last.withLock({ $0?.block == block ? $0?.maps : nil }) { return kept }
    let made = try make(block)
    last.withLock { $0 = (block, made) }
    return made
  }
}
