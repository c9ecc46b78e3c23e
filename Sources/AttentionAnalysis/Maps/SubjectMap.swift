public import AttentionTrace
public import PromptText

/// One map of one subject, made of a recording by a recipe.
public struct SubjectMap: Hashable, Sendable {
  /// The word.
  public let subject: Subject
  /// The map itself.
  public let map: AttentionMap
  /// How it was made; its layers and steps are those that were found.
  public let recipe: Recipe
  /// Sites that were put together.
  public let layers: [AttentionSite]
  /// How many calls were put together.
  public let calls: Int

  /// Where the cells stand.
  public var grid: Grid { map.grid }
  /// `[row, column]`.
  public var values: [Float] { map.values }
  /// The largest value; NaN if any is.
  public var largest: Float { map.largest }
}

extension ChunkSource {
  /// Maps of `subjects` by `recipe`; a word of several pieces is what the recipe makes of them.
  ///
  /// - Throws: as ``aggregate(tokens:by:weights:)``.
  public func maps(
    of subjects: [Subject], by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> [SubjectMap] {
    let maps = try aggregate(tokens: try tokens(of: subjects), by: recipe, weights: weights)
    return try subjects.map { subject in
      SubjectMap(
        subject: subject, map: try maps.map(of: subject), recipe: maps.recipe, layers: maps.layers,
        calls: maps.calls)
    }
  }

  /// The largest value of each subject's map in each call that `recipe` takes, by call.
  /// - Throws: as ``aggregate(tokens:by:weights:)``.
  public func largest(
    of subjects: [Subject], by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> [(call: CallRecord, values: [Float])] {
    try timeline(tokens: try tokens(of: subjects), by: recipe, weights: weights).map { call, maps in
      (call, try subjects.map { try maps.map(of: $0).largest })
    }
  }

  /// The tokens of all subjects, ascending.
  private func tokens(of subjects: [Subject]) throws -> [Int] {
    for subject in subjects where subject.tokens.isEmpty {
      throw AnalysisError.nothingSelected(
        run: run.folder.path, what: "subject \(subject.name), which has no token",
        recorded: "words of '\(prompt.prompt)'")
    }
    return Set(subjects.flatMap(\.tokens)).sorted()
  }
}
