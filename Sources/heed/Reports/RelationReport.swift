import AttentionAnalysis
import AttentionTrace
import PromptText

/// Overlap of words by their grammatical relation, over all runs.
struct RelationReport {
  let table: MeasurementTable

  /// - Parameters:
  ///   - path: a dependency file.
  ///   - threshold: from which a cell counts.
  init(
    _ runs: [RecordedRun], _ options: AnalysisOptions, dependencies path: String,
    threshold: MapThreshold
  ) throws {
    let file = try DependencyFile(contentsOf: path)
    let (recipe, weights) = try options.parsedRecipe()
    var overlaps: [RelationOverlap] = []
    var leftOut: [WordRelation] = []
    for run in runs {
      let prompt = run.manifest.tokens.prompt
      let own = file.prompts.filter { $0.text == prompt }
      let relations = (own.isEmpty ? file.prompts.filter { $0.text == nil } : own)
        .flatMap(\.relations)
      guard !relations.isEmpty else {
        throw Failure(.dataError, "\(path): nothing of the prompt '\(prompt)' (\(run.folder.path))")
      }
      let selection = WordSelection(run.manifest.tokens)
      let names = relations.flatMap { [$0.head, $0.dependent] }
      let words = Set(names).sorted().compactMap { try? selection.subject(named: $0) }
      let maps = words.isEmpty ? [] : try run.maps(of: words, by: recipe, weights: weights)
      let result = relations.overlaps(at: threshold) { name in
        maps.first { $0.subject.name == name }?.map
      }
      overlaps += result.found
      leftOut += result.leftOut
    }
    for relation in leftOut {
      Message.warning(
        "\(path): \(relation.relation)(\(relation.head), \(relation.dependent)): "
          + "the prompt has no such words")
    }
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
