package import AttentionAnalysis
package import AttentionTrace
package import Drawing
internal import PromptText

/// How much the maps of each two words overlap: a matrix for each method, averaged over its seeds.
package struct MatrixSheet: Sendable {
  /// One method's matrix.
  package struct Matrix {
    let title: String
    let seeds: Int
    /// `[word, word]`, 0…1; NaN where a map is all zero in some run.
    package let values: [Double]

    package init(title: String, seeds: Int, values: [Double]) {
      (self.title, self.seeds, self.values) = (title, seeds, values)
    }
  }

  let prompt: String
  let words: [String]
  package let matrices: [Matrix]
  let quantity: String
  /// Which runs' latents are out of range, a sentence each.
  let warnings: [String]
  let metadata: Scene.Metadata

  package init(
    prompt: String, words: [String], matrices: [Matrix], quantity: String,
    warnings: [String] = [], metadata: Scene.Metadata
  ) {
    (self.prompt, self.words, self.matrices) = (prompt, words, matrices)
    (self.quantity, self.warnings, self.metadata) = (quantity, warnings, metadata)
  }

  /// A sheet of recorded runs of one prompt.
  /// - Parameters:
  ///   - runs: in any order; seeds of one method are averaged.
  ///   - words: as `WordReference` reads them; empty for every word of the prompt.
  ///   - recipe: how maps are made; `nil` for the mean over heads, the layers that the loss reads, and steps.
  ///   - weights: the head weights that the recipe names, by path.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs cannot be compared or lack what the recipe asks for,
  ///   `TraceError`, and ``FigureError`` for fewer than two words.
  package init(
    runs: [RecordedRun], words: [String], recipe: Recipe?, weights: [String: HeadWeights] = [:],
    software: String
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    for run in runs.dropFirst() { try first.requireComparable(with: run) }
    let recipe = recipe ?? Recipe(layers: Recipe.lossGrid)
    let table = try first.wordTable(by: recipe)
    let subjects =
      words.isEmpty
      ? table.words.map(table.subject(of:))
      : try first.subjects(words.map { try WordReference($0) }, by: recipe)
    guard subjects.count > 1 else {
      throw FigureError.inconsistentSheet("\(subjects.count) word; a matrix needs two or more")
    }
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    let plainFirst = runs.filter { $0.manifest.method.name == baseline }
    let methods = (plainFirst + runs).map(\.manifest.method.name).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    var quantities: [(method: String, quantity: String)] = []
    matrices = try methods.map { method in
      let runs = runs.filter { $0.manifest.method.name == method }
      let each = try runs.map { run in
        let own = try run.subjects(like: subjects, of: first, by: recipe)
        let made = try run.maps(of: own, by: recipe, weights: weights)
        quantities.append((run.manifest.method.figureTitle, MapQuantity(made[0]).description))
        return made.flatMap { one in made.map { MapOverlap(one.map, $0.map).softJaccard } }
      }
      return Matrix(
        title: runs[0].manifest.method.figureTitle, seeds: runs.count,
        values: each[0].indices.map { place in
          each.map { $0[place] }.reduce(0, +) / Double(each.count)
        })
    }
    prompt = first.manifest.tokens.prompt
    self.words = subjects.map(\.name)
    quantity = "soft Jaccard index of two words’ maps: " + MapQuantity.text(of: quantities)
    warnings = Scene.warnings(of: runs)
    metadata = Scene.Metadata(
      of: first.manifest, software: software,
      manifest: [
        "layout": "matrix", "recipe": .text(recipe.description), "runs": .integer(runs.count),
      ])
  }
}
