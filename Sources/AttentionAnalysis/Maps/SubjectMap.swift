public import AttentionTrace
public import PromptText

/// The map of one subject, computed from a recording by a recipe.
public struct SubjectMap: Hashable, Sendable {
  /// The word.
  public let subject: Subject
  /// The map itself.
  public let map: AttentionMap
  /// How it was made; its layers and steps are those that were found.
  public let recipe: Recipe
  /// The layers that were combined.
  public let layers: [AttentionSite]
  /// How many calls were combined.
  public let calls: Int

  /// The grid of its cells.
  public var grid: Grid { map.grid }
  /// `[row, column]`.
  public var values: [Float] { map.values }
  /// The largest value; NaN if any is.
  public var largest: Float { map.largest }
  /// The largest value and the first cell that has it, in row-major order.
  public var peak: MapPeak { map.peak }
}

extension ChunkSource {
  /// The map of a word by a recipe, as in `map(of: "cat", by: "mean(layer: 16x16)")`.
  /// - Parameters:
  ///   - word: As `WordReference` reads it.
  ///   - recipe: As ``Recipe/init(parsing:)`` reads it.
  /// - Throws: `TextError` for a word that the prompt does not have, ``AnalysisError`` for a recipe that
  ///   cannot be read or takes nothing, `TraceError` when the store is damaged.
  public func map(of word: String, by recipe: String) throws -> SubjectMap {
    try map(of: word, by: Recipe(parsing: recipe))
  }

  /// The map of a word by a recipe.
  /// - Parameters:
  ///   - word: As `WordReference` reads it.
  ///   - recipe: How the map is made.
  ///   - weights: The head weights that the recipe names, by path.
  /// - Throws: as ``map(of:by:)-(String,String)``.
  public func map(
    of word: String, by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> SubjectMap {
    try maps(of: try subjects([WordReference(word)], by: recipe), by: recipe, weights: weights)[0]
  }

  /// Maps of `subjects` by `recipe`; a word of several pieces is what the recipe makes of them.
  ///
  /// - Throws: as ``aggregate(tokens:by:weights:)``; for a recipe of the unconditional branch
  ///   ``AnalysisError/nothingSelected(run:what:recorded:)`` for a word that is not at those tokens of
  ///   the negative prompt.
  public func maps(
    of subjects: [Subject], by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> [SubjectMap] {
    try check(subjects, by: recipe)
    let maps = try aggregate(tokens: try tokens(of: subjects), by: recipe, weights: weights)
    return try subjects.map(maps.subjectMap(of:))
  }

  /// The largest value of each subject's map in each call that `recipe` takes, by call.
  /// - Throws: as ``aggregate(tokens:by:weights:)``.
  public func largest(
    of subjects: [Subject], by recipe: Recipe, weights: [String: HeadWeights] = [:]
  ) throws -> [(call: CallRecord, values: [Float])] {
    try check(subjects, by: recipe)
    return try timeline(tokens: try tokens(of: subjects), by: recipe, weights: weights).map {
      call, maps in
      (call, try subjects.map { try maps.map(of: $0).largest })
    }
  }

  /// The tokens of all subjects, ascending.
  private func tokens(of subjects: [Subject]) throws -> [Int] {
    for subject in subjects where subject.tokens.isEmpty {
      throw AnalysisError.nothingSelected(
        run: name, what: "subject \(subject.name), which has no token",
        recorded: "words of '\(prompt.prompt)'")
    }
    return Set(subjects.flatMap(\.tokens)).sorted()
  }
}

extension AggregatedMaps {
  /// The map of a word, with what it was made of.
  fileprivate func subjectMap(of subject: Subject) throws -> SubjectMap {
    SubjectMap(
      subject: subject, map: try map(of: subject), recipe: recipe, layers: layers, calls: calls)
  }
}
