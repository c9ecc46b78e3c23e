internal import AttentionTrace
internal import PromptText

// Which columns of a chunk a recipe reads, and whether the heads and frames are there that it asks for.

extension RecipeEvaluation {
  /// The index under which a stack has the sum over the tokens that were not recorded one by one.
  static let padding = -1
  /// The index under which a stack has the sum over the picture's cells, in joint attention.
  static let image = -2

  /// The summed column that an index stands for; `nil` for that of a token.
  static func sum(at index: Int) -> String? {
    switch index {
    case padding: RecordedSite.SummedColumn.padding
    case image: RecordedSite.SummedColumn.image
    default: nil
    }
  }

  /// The columns that a recipe reads of every site: the wanted tokens, those over which it renormalises,
  /// and ``padding`` where a sum over tokens has those that are not there one by one.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` for a token that is not there.
  static func read(
    _ tokens: [Int], by recipe: Recipe, of sites: [RecordedSite], _ source: any ChunkSource
  ) throws -> [Int] {
    var wanted = Set(tokens.filter { sum(at: $0) == nil })
    let sums = tokens.filter { sum(at: $0) != nil }
    var readsPadding = sums.contains(padding)
    for operation in recipe.operations {
      guard let classes = operation.leavesOut else { continue }
      let known = recipe.branches.compactMap { source.tokens(of: $0) }
      let tables = classes.isEmpty ? known : try recipe.branches.map { try source.table(of: $0) }
      let terms = RenormalisedTokens(without: classes, of: tables, source)
      if case .normalize = operation, terms.holdPadding(of: sites) {
        wanted.formUnion(sites.reduce(terms.tokens) { $0.intersection($1.tokens ?? []) })
        readsPadding = true
      } else {
        wanted.formUnion(tables.isEmpty ? Set(0..<(sites.first?.site.keys ?? 0)) : terms.tokens)
      }
    }
    for site in sites {
      for name in sums.compactMap(sum) where site.index(ofSum: name) == nil {
        throw AnalysisError.nothingSelected(
          run: source.name, what: "the sum over <\(name)> of \(site.site.path)",
          recorded: "tokens one by one")
      }
      let there = Set(site.tokens ?? [])
      if let missing = wanted.subtracting(there).min() {
        throw AnalysisError.nothingSelected(
          run: source.name,
          what: "token \(missing)"
            + (recipe.treatsTokensApart ? "" : ", which '\(recipe)' reads with all others"),
          recorded: "tokens \(there.sorted().map(String.init).joined(separator: ", "))")
      }
    }
    return wanted.sorted() + (readsPadding ? [padding] : []) + sums.filter { $0 != padding }
  }

  /// Of a site whose heads were reduced when it was recorded, no head is there by itself, nor what a
  /// renormalisation would have made of each.
  /// - Parameter areKept: whether each head is asked for, whatever the recipe makes of them.
  func checkHeads(areKept: Bool = false) throws {
    guard let site = sites.first(where: { $0.reducedHeads != nil }) else { return }
    if areKept { throw noHeads(of: site, "each head") }
    var isApart = true
    for operation in recipe.operations {
      let isPossible =
        switch operation {
        case .reduce(.head, .mean, .all), .reduce(.head, .sum, .all): true
        case .reduce(.head, _, _): false
        case .normalize, .softmax, .minmax, .clamp, .reduce(_, .max, _): !isApart
        default: true
        }
      guard isPossible else { throw noHeads(of: site, "each head, which '\(operation)' reads") }
      if case .reduce(.head, _, _) = operation { isApart = false }
    }
  }

  /// Refuses frames that a site does not have.
  func checkFrames() throws {
    guard recipe.reducesFrames else { return }
    for site in sites {
      let frames = site.site.frames
      guard let frames, (recipe.frames ?? []).allSatisfy({ $0 < frames }) else {
        let wanted = recipe.frames?.last { $0 >= frames ?? 0 }
        throw AnalysisError.nothingSelected(
          run: source.name,
          what: wanted.map { "frame \($0) of \(site.site.path)" }
            ?? "an axis of frames in \(site.site.path)",
          recorded: frames.map { "frames 0..\($0 - 1)" } ?? "a picture, which has no frames")
      }
    }
  }

  private func noHeads(of site: RecordedSite, _ what: String) -> AnalysisError {
    .nothingSelected(
      run: source.name, what: what,
      recorded: "the mean of \(site.heads.count) heads of \(site.site.path)")
  }
}

extension Recipe.Operation {
  /// The tokens that a renormalisation leaves out; `nil` for any other operation.
  fileprivate var leavesOut: Set<Recipe.TokenClass>? {
    switch self {
    case .normalize(let classes), .softmax(_, let classes): classes
    default: nil
    }
  }
}
