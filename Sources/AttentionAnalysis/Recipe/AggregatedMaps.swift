public import AttentionTrace
public import PromptText

/// Maps of some tokens, computed from a recording by a recipe.
public struct AggregatedMaps: Hashable, Sendable {
  /// The grid of the cells.
  public let grid: Grid
  /// Token indices: the last axis.
  public let tokens: [Int]
  /// `[row, column, token]`; in 0…1 where the recipe only averages probabilities.
  public let values: [Float]
  /// The recipe, with every keyword replaced by the run's value.
  public let recipe: Recipe
  /// The layers that were combined.
  public let layers: [AttentionSite]
  /// The number of calls that were combined.
  public let calls: Int
  /// Calls that the recipe takes and that were acknowledged, but of which a chunk is missing.
  public let missing: Int
  /// The first token of each text encoder, ascending: a word has pieces in each.
  let encoderStarts: [Int]

  /// The map of the token at `column` of the last axis.
  public func map(at column: Int) -> AttentionMap {
    AttentionMap(
      grid: grid,
      values: stride(from: column, to: values.count, by: tokens.count).map { values[$0] })
  }

  /// The map of a word: its pieces' maps, combined by the recipe.
  ///
  /// Of a word that several text encoders read, the mean, first, last or largest of its pieces is that of
  /// each encoder, and the word's map is the mean of these; a sum is over the pieces of all.
  ///
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` when a token was not recorded.
  public func map(of subject: Subject) throws -> AttentionMap {
    let columns = try subject.tokens.map { token in
      guard let column = tokens.firstIndex(of: token) else {
        throw AnalysisError.nothingSelected(
          run: "maps", what: "token \(token) (\(subject.name))",
          recorded: "tokens \(tokens.map(String.init).joined(separator: ", "))")
      }
      return column
    }
    guard !columns.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: "maps", what: "subject \(subject.name), which has no token", recorded: "words")
    }
    switch recipe.pieces {
    case .first: return mean(encoders(of: columns).map { map(at: $0[0]) })
    case .last: return mean(encoders(of: columns).map { map(at: $0[$0.count - 1]) })
    case .max: return mean(encoders(of: columns).map(largest))
    case .mean: return mean(encoders(of: columns).map { sum(at: $0, times: 1 / Float($0.count)) })
    case .sum: return sum(at: columns, times: 1)
    }
  }

  /// The sum of several columns, cell by cell, times a factor.
  private func sum(at columns: [Int], times factor: Float) -> AttentionMap {
    AttentionMap(
      grid: grid,
      values: (0..<grid.pixels).map { cell in
        columns.reduce(0) { $0 + values[cell * tokens.count + $1] } * factor
      })
  }

  /// The columns of each text encoder that has some, in their order.
  private func encoders(of columns: [Int]) -> [[Int]] {
    zip(encoderStarts, encoderStarts.dropFirst() + [.max]).map { first, next in
      columns.filter { (first..<next).contains(tokens[$0]) }
    }.filter { !$0.isEmpty }
  }

  /// The largest value of several columns, cell by cell.
  private func largest(at columns: [Int]) -> AttentionMap {
    var result = map(at: columns[0])
    for column in columns.dropFirst() {
      for (cell, value) in map(at: column).values.enumerated() {
        result.values[cell] = MapStack.larger(result.values[cell], value)
      }
    }
    return result
  }

  /// The mean of maps, cell by cell.
  private func mean(_ maps: [AttentionMap]) -> AttentionMap {
    var result = maps[0]
    guard maps.count > 1 else { return result }
    for cell in result.values.indices {
      result.values[cell] = maps.reduce(0) { $0 + $1.values[cell] } / Float(maps.count)
    }
    return result
  }
}

extension ChunkSource {
  /// The maps of `tokens` by `recipe`.
  ///
  /// Calls that the plan did not record are skipped, as are those of which a chunk is missing (these
  /// are counted); at least one must be there.
  /// - Parameters:
  ///   - tokens: Token indices, ascending; `nil` for all that were recorded.
  ///   - recipe: How the maps are made.
  ///   - weights: The head weights that the recipe names, by path.
  /// - Throws: ``AnalysisError`` when nothing fits, `TraceError` when the store is damaged.
  public func aggregate(
    tokens: [Int]? = nil, by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> AggregatedMaps {
    let evaluation = try RecipeEvaluation(recipe, of: self, tokens: tokens, weights: weights)
    guard let made = try evaluation.maps(of: evaluation.calls) else {
      throw nothing(of: evaluation.recipe)
    }
    return evaluation.aggregated(made.stack, calls: made.calls)
  }

  /// The maps of `tokens` in each call separately, as ``aggregate(tokens:by:weights:)`` would compute
  /// them from that call alone.
  ///
  /// Where the recipe reduces branches, a call is one of each branch; the first stands for both.
  public func timeline(
    tokens: [Int]? = nil, by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> [(call: CallRecord, maps: AggregatedMaps)] {
    let evaluation = try RecipeEvaluation(recipe, of: self, tokens: tokens, weights: weights)
    return try evaluation.passes(of: evaluation.calls).compactMap { calls in
      try evaluation.maps(of: calls).map {
        (calls[0], evaluation.aggregated($0.stack, calls: $0.calls))
      }
    }
  }

  /// How many calls `recipe` takes that were acknowledged, and of how many of them a chunk is missing.
  /// - Throws: as ``aggregate(tokens:by:weights:)``.
  public func callsTaken(by recipe: Recipe) throws -> (all: Int, missing: Int) {
    let evaluation = try RecipeEvaluation(
      recipe, of: self, tokens: [], weights: [:], keepsLayersApart: true)
    let missing = evaluation.missingCalls
    return (evaluation.calls.count + missing, missing)
  }

  /// What says that a recipe takes nothing of the run.
  package func nothing(of recipe: Recipe) -> AnalysisError {
    .nothingSelected(
      run: name, what: recipe.description,
      recorded: "no call of that kind among \(calls.count) acknowledged ones")
  }
}

extension RecipeEvaluation {
  func aggregated(_ stack: MapStack, calls: Int) -> AggregatedMaps {
    AggregatedMaps(
      grid: stack.grid, tokens: stack.tokens, values: stack.values, recipe: recipe,
      layers: sites.map(\.site), calls: calls,
      missing: missingCalls, encoderStarts: encoderStarts)
  }
}
