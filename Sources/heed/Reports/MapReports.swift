import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine

/// Reports that are tables of measurements, run by run.
struct MapReports {
  let runs: [RecordedRun]
  let options: AnalysisOptions

  /// The rows of every run in one table.
  func table(_ measure: (RecordedRun) throws -> MeasurementTable) throws -> MeasurementTable {
    let tables = try runs.map(measure)
    guard var all = tables.first else { return MeasurementTable(recipe: "", keys: [], values: []) }
    for table in tables.dropFirst() {
      guard table.recipe == all.recipe else {
        throw AnalysisError.notComparable(
          first: runs[0].folder.path, second: runs[tables.firstIndex(of: table) ?? 0].folder.path,
          what:
            "their losses read other grids: '\(all.recipe)' and '\(table.recipe)'; give --recipe")
      }
      all.rows += table.rows
    }
    return all
  }

  /// Each word's map and the pieces it is made of.
  func words() throws -> MeasurementTable {
    let (recipe, weights) = try options.parsedRecipe()
    return try table { run in
      let words =
        options.tokens == nil
        ? WordSelection(run.manifest.tokens).words
        : try options.words(of: run)
      let tokens = Set(words.flatMap(\.tokens)).sorted()
      let maps = try run.aggregate(tokens: tokens, by: recipe, weights: weights)
      let rows = try words.flatMap { word in
        let ranking = try PieceRanking(word, in: maps, of: run.manifest.tokens)
        return ranking.pieces.enumerated().map { place, piece in
          MeasurementTable.Row(
            keys: [
              .text(run.manifest.tokens.prompt), .text(run.manifest.method.name),
              .text(String(run.manifest.seed)), .text(word.name), .integer(piece.token),
              .text(piece.spelling),
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
        keys: ["prompt", "method", "seed", "word", "token", "piece", "recommended"],
        values: ["rank", "largest", "row", "column", "mass", "word_largest"], rows: rows)
    }
  }

  /// Plain and excited runs of each prompt and seed.
  func pairs() throws -> [(plain: RecordedRun, excited: RecordedRun)] {
    let plain = runs.filter { $0.manifest.method.name == NeglectComparison.plainMethod }
    let pairs = runs.filter { $0.manifest.method.name != NeglectComparison.plainMethod }
      .compactMap { excited in
        plain.first {
          $0.manifest.seed == excited.manifest.seed
            && $0.manifest.tokens.prompt == excited.manifest.tokens.prompt
        }.map { ($0, excited) }
      }
    guard !pairs.isEmpty else {
      throw Failure(
        .usage,
        "a difference needs runs of one prompt and seed, with excitation and without; "
          + "there are "
          + runs.map {
            "\($0.manifest.method.name) seed \($0.manifest.seed)"
          }.joined(separator: ", "))
    }
    return pairs
  }

  /// The difference of each pair of runs.
  func difference() throws -> MeasurementTable {
    let measurement = try options.measurement()
    let tables = try pairs().map { plain, excited in
      try measurement.difference(
        excited: excited, plain: plain, of: try options.words(of: excited))
    }
    guard var all = tables.first else { return MeasurementTable(recipe: "", keys: [], values: []) }
    for table in tables.dropFirst() { all.rows += table.rows }
    return all
  }

  /// Writes each word's map, or its difference, as `[row, column]` in float32.
  func writeMaps(of kind: ReportKind, to folder: String) throws {
    let (recipe, weights) = try options.parsedRecipe()
    func maps(_ run: RecordedRun, _ words: [Subject]) throws -> [AttentionMap] {
      try run.maps(of: words, by: recipe, weights: weights).map(\.map)
    }
    func write(_ run: RecordedRun, _ words: [Subject], _ maps: [AttentionMap]) throws {
      let manifest = run.manifest
      let place = RunFolder(
        root: folder, prompt: manifest.tokens.prompt, method: manifest.method.name,
        seed: manifest.seed
      ).path
      try OutputFolder.make(place)
      for (index, map) in maps.enumerated() {
        try NumpyFile.write(
          Tensor(map.values, shape: [map.grid.rows, map.grid.columns]),
          to: "\(place)/\(RunFolder.slug(words[index].name)).npy")
      }
    }
    if kind == .difference {
      for (plain, excited) in try pairs() {
        let words = try options.words(of: excited)
        let differences = zip(try maps(excited, words), try maps(plain, words)).map {
          MapDifference(excited: $0, plain: $1).map
        }
        try write(excited, words, differences)
      }
    } else {
      for run in runs {
        let words = try options.words(of: run)
        try write(run, words, try maps(run, words))
      }
    }
  }
}

/// Folders that a command makes for what it writes.
enum OutputFolder {
  /// Makes the folder and those above it.
  /// - Throws: ``Failure`` with the system's words.
  static func make(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "\(path): \(error.localizedDescription)")
    }
  }
}
