package import AttentionTrace
package import PromptText

/// Measurements of several runs in one table.
package struct MapReports {
  /// The runs, in the order of the table's rows.
  package let runs: [RecordedRun]
  /// The words that are meant in a run.
  private let words: (RecordedRun) throws -> [Subject]

  /// - Parameters:
  ///   - runs: Those that are measured.
  ///   - words: The words that are meant in each of them.
  package init(_ runs: [RecordedRun], words: @escaping (RecordedRun) throws -> [Subject]) {
    (self.runs, self.words) = (runs, words)
  }

  /// The rows that `measure` gives for each run and its words.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` where the runs' recipes differ, or a
  ///   token by its index is another one in each; and what `measure` throws.
  package func table(
    _ measure: (RecordedRun, [Subject]) throws -> MeasurementTable
  ) throws -> MeasurementTable {
    try table { run in
      let words = try words(run)
      try run.refuseIndices(words, among: runs)
      return try measure(run, words)
    }
  }

  /// The rows that `measure` gives for each run.
  /// - Throws: as ``table(_:)-((RecordedRun,[Subject])->MeasurementTable)``.
  package func table(_ measure: (RecordedRun) throws -> MeasurementTable) throws -> MeasurementTable
  {
    var all: MeasurementTable?
    for run in runs {
      let table = try measure(run)
      guard let before = all else {
        all = table
        continue
      }
      let isByWord = run.manifest.isOfOtherPipeline(than: runs[0].manifest)
      guard table.recipe == before.recipe || isByWord else {
        throw AnalysisError.notComparable(
          first: runs[0].name, second: run.name,
          what: "their losses read different grids: '\(before.recipe)' and '\(table.recipe)'; "
            + "give one recipe for all")
      }
      all?.rows += table.rows.map { row in
        var row = row
        if table.recipe != before.recipe { row.recipe = row.recipe ?? table.recipe }
        return row
      }
    }
    return all ?? MeasurementTable(recipe: "", keys: [], values: [])
  }

  /// The pieces of each word by their peak attention, and the word's own map.
  package func pieces(
    by recipe: Recipe, weights: [String: HeadWeights]
  ) throws -> MeasurementTable {
    try table { run, words in
      try run.check(words, by: recipe)
      let tokens = Set(words.flatMap(\.tokens)).sorted()
      let maps = try run.aggregate(tokens: tokens, by: recipe, weights: weights)
      let rows = try words.flatMap { word in
        let ranking = try PieceRanking(word, in: maps, of: run.wordTable(by: recipe))
        return ranking.pieces.enumerated().map { place, piece in
          MeasurementTable.Row(
            keys: RunMeasurement.keys(of: run) + [
              .text(word.name), .integer(piece.token), .text(piece.spelling),
              .text(ranking.pieces.count > 1 && place == 0 ? ranking.recommendation : ""),
            ],
            values: [
              Double(place + 1), Double(piece.peak.value), Double(piece.peak.row),
              Double(piece.peak.column), piece.mass, Double(ranking.map.largest),
            ])
        }
      }
      return MeasurementTable(
        recipe: maps.recipe.description,
        keys: RunMeasurement.runKeys + ["word", "token", "piece", "recommended"],
        values: ["rank", "peak", "row", "column", "mass", "word_peak"], rows: rows)
    }
  }

  /// Each excited run with the plain run of its prompt and seed; see ``NeglectComparison/baseline(of:)``.
  /// - Throws: ``AnalysisError/noPair(runs:)`` if there is no such pair.
  package func pairs() throws -> [(plain: RecordedRun, excited: RecordedRun)] {
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    let plain = runs.filter { $0.manifest.method.name == baseline }
    let pairs = runs.filter { $0.manifest.method.name != baseline }
      .compactMap { excited in
        plain.first {
          $0.manifest.seed == excited.manifest.seed
            && $0.manifest.tokens.prompt == excited.manifest.tokens.prompt
        }.map { ($0, excited) }
      }
    guard !pairs.isEmpty else {
      throw AnalysisError.noPair(
        runs: runs.map { "\($0.manifest.method.figureTitle) seed \($0.manifest.seed)" })
    }
    return pairs
  }

  /// The difference of each pair of runs.
  /// - Throws: as ``pairs()``, and ``AnalysisError`` where a pair cannot be compared.
  package func difference(_ measurement: RunMeasurement) throws -> MeasurementTable {
    let tables = try pairs().map { plain, excited in
      try measurement.difference(excited: excited, plain: plain, of: words(excited))
    }
    guard var all = tables.first else { return MeasurementTable(recipe: "", keys: [], values: []) }
    for table in tables.dropFirst() {
      all.rows += table.rows.map { row in
        var row = row
        if table.recipe != all.recipe { row.recipe = table.recipe }
        return row
      }
    }
    return all
  }

  /// Each run's maps of its words.
  package func maps(
    by recipe: Recipe, weights: [String: HeadWeights]
  ) throws -> [(run: RecordedRun, maps: [SubjectMap])] {
    try runs.map { ($0, try $0.maps(of: words($0), by: recipe, weights: weights)) }
  }

  /// Each excited run's maps of its words minus those of the plain run.
  /// - Throws: as ``pairs()``.
  package func differences(
    by recipe: Recipe, weights: [String: HeadWeights]
  ) throws -> [(run: RecordedRun, words: [Subject], maps: [AttentionMap])] {
    try pairs().map { plain, excited in
      let words = try words(excited)
      let (after, before) = (
        try excited.maps(of: words, by: recipe, weights: weights),
        try plain.maps(
          of: plain.subjects(like: words, of: excited, by: recipe), by: recipe, weights: weights)
      )
      for (one, other) in zip(after, before) where one.grid != other.grid {
        throw AnalysisError.otherGrids(plain.name, other.grid, excited.name, one.grid)
      }
      return (
        excited, words,
        zip(after, before).map { MapDifference(excited: $0.map, plain: $1.map).map }
      )
    }
  }
}
