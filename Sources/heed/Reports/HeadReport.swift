import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine

/// Which heads serve which words.
struct HeadReport {
  private let atlases: [(run: RecordedRun, atlas: HeadAtlas)]
  private let recipe: Recipe
  private let names: [String]

  /// - Parameter classes: as in `animal=cat+frog,colour=red`; `nil` makes each word a class.
  init(_ runs: [RecordedRun], _ options: AnalysisOptions, classes: String?) throws {
    let recipe = try options.recipe.map(Recipe.init(parsing:)) ?? Recipe(layers: "*")
    self.recipe = recipe
    atlases = try runs.map { run in
      let kinds = try Self.classes(classes, options, run)
      return (run, try HeadAtlas(run, classes: kinds, by: recipe))
    }
    names = try runs.first.map { try Self.classes(classes, options, $0).map(\.name) } ?? []
  }

  private static func classes(
    _ text: String?, _ options: AnalysisOptions, _ run: RecordedRun
  ) throws -> [HeadAtlas.WordClass] {
    guard let text else {
      return try options.words(of: run).map { HeadAtlas.WordClass(name: $0.name, words: [$0]) }
    }
    let selection = WordSelection(run.manifest.tokens)
    return try NamedValue.list(text, option: "--classes", example: "animal=cat+frog").map { named in
      let words = named.value.split(separator: "+", omittingEmptySubsequences: false)
      return HeadAtlas.WordClass(
        name: named.name, words: try words.map { try selection.subject(named: String($0)) })
    }
  }

  /// A row for each head and class, the class's best heads first.
  var table: MeasurementTable {
    MeasurementTable(
      recipe: recipe.description,
      keys: ["prompt", "method", "seed", "class", "layer", "head"],
      values: ["share", "largest", "wins"],
      rows: atlases.flatMap { run, atlas in
        names.flatMap { name in
          atlas.entries.filter { $0.name == name }.sorted { $0.share > $1.share }.map { entry in
            MeasurementTable.Row(
              keys: [
                .text(run.manifest.tokens.prompt), .text(run.manifest.method.name),
                .text(String(run.manifest.seed)), .text(name), .text(entry.layer),
                .integer(entry.head),
              ], values: [entry.share, entry.largest, entry.wins])
          }
        }
      })
  }

  /// Writes the weights of each class, over all runs, for `weighted(head: @FILE)` of a recipe.
  func writeWeights(to folder: String) throws {
    try OutputFolder.make(folder)
    for name in names {
      let weights = HeadAtlas.weights(for: name, of: atlases.map(\.atlas))
      let path = "\(folder)/\(RunFolder.slug(name)).weights.json"
      try AtomicFile.write(to: path) { try $0.append(Array(weights.json.utf8)) }
    }
  }
}

/// `name=value`, as in `cat=cat.png`.
struct NamedValue {
  let name: String
  let value: String

  /// Reads a list separated by commas.
  static func list(_ text: String, option: String, example: String) throws -> [NamedValue] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { part -> NamedValue? in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else { return nil }
      return NamedValue(name: String(sides[0]), value: String(sides[1]))
    }
    guard values.count == parts.count else {
      throw Failure(.usage, "\(option) is '\(text)'; expected a list as in \(example)")
    }
    guard Set(values.map(\.name)).count == values.count else {
      throw Failure(.usage, "\(option) is '\(text)'; a name is there twice")
    }
    return values
  }
}
