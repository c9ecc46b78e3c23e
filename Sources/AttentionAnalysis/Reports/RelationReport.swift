package import AttentionTrace
internal import PromptText

/// Overlap of words by their grammatical relation, over all runs.
package struct RelationReport {
  /// A row for each relation.
  package let table: MeasurementTable
  /// Relations of which the prompts lack a word.
  package let leftOut: [WordRelation]

  /// - Parameters:
  ///   - runs: Those that are measured.
  ///   - recipe: How maps are made.
  ///   - weights: The head weights that the recipe names, by path.
  ///   - path: A file of relations; see ``DependencyFile``.
  ///   - threshold: From which a cell counts.
  /// - Throws: `FileError` for a file that cannot be read, ``AnalysisError/noRelation(path:prompt:run:)``
  ///   where it has nothing of a run's prompt, and as `maps(of:by:weights:)`.
  package init(
    _ runs: [RecordedRun], by recipe: Recipe, weights: [String: HeadWeights],
    dependencies path: String, threshold: MapThreshold
  ) throws {
    let file = try DependencyFile(contentsOf: path)
    var overlaps: [RelationOverlap] = []
    var leftOut: [WordRelation] = []
    for run in runs {
      let prompt = run.manifest.tokens.prompt
      let own = file.prompts.filter { $0.text == prompt }
      let relations = (own.isEmpty ? file.prompts.filter { $0.text == nil } : own)
        .flatMap(\.relations)
      guard !relations.isEmpty else {
        throw AnalysisError.noRelation(path: path, prompt: prompt, run: run.name)
      }
      let names = Set(relations.flatMap { [$0.head, $0.dependent] }).sorted()
      let words = names.compactMap { name in
        (try? run.subjects([WordReference(name)], by: recipe)).map { (name: name, word: $0[0]) }
      }
      let found =
        words.isEmpty ? [] : try run.maps(of: words.map(\.word), by: recipe, weights: weights)
      let maps = Dictionary(
        zip(words, found).map { ($0.name, $1.map) }, uniquingKeysWith: { first, _ in first })
      let result = relations.overlaps(at: threshold) { maps[$0] }
      overlaps += result.found
      leftOut += result.leftOut
    }
    self.leftOut = leftOut
    table = Self.table(RelationTable(of: overlaps), recipe)
  }

  private static func table(_ relations: RelationTable, _ recipe: Recipe) -> MeasurementTable {
    MeasurementTable(
      recipe: recipe.description, keys: ["relation"],
      values: ["n"]
        + ["miou", "miod", "mioh"].flatMap { [$0, $0 + "_low", $0 + "_high"] },
      rows: relations.rows.map { row in
        MeasurementTable.Row(
          keys: [.text(row.relation)],
          values: [Double(row.count)]
            + [row.overUnion, row.overDependent, row.overHead].flatMap {
              [$0.estimate, $0.lower, $0.upper]
            })
      })
  }
}
