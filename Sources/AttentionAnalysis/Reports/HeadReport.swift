package import AttentionTrace
internal import PromptText

/// Which heads serve which words, run by run.
package struct HeadReport {
  private let atlases: [(run: RecordedRun, atlas: HeadAtlas)]
  private let recipe: Recipe
  /// The classes of the first run, in their order.
  package let names: [String]

  /// - Parameters:
  ///   - runs: Those that are measured.
  ///   - recipe: How the maps of each head are made.
  ///   - classes: The classes of words that are told apart in a run.
  /// - Throws: ``AnalysisError`` when the runs lack what the recipe asks for; what `classes` throws.
  package init(
    _ runs: [RecordedRun], by recipe: Recipe,
    classes: (RecordedRun) throws -> [HeadAtlas.WordClass]
  ) throws {
    self.recipe = recipe
    let classes = try runs.map { run in
      let own = try classes(run)
      try run.refuseIndices(own.flatMap(\.words), among: runs)
      return own
    }
    atlases = try zip(runs, classes).map { run, classes in
      (run, try HeadAtlas(run, classes: classes, by: recipe))
    }
    names = classes.first?.map(\.name) ?? []
  }

  /// A row for each head and class, the class's best heads first.
  package var table: MeasurementTable {
    MeasurementTable(
      recipe: recipe.description, keys: RunMeasurement.runKeys + ["class", "layer", "head"],
      values: ["share", "peak", "wins"],
      rows: atlases.flatMap { run, atlas in
        names.flatMap { name in
          atlas.entries.filter { $0.name == name }.sorted { $0.share > $1.share }.map { entry in
            MeasurementTable.Row(
              keys: RunMeasurement.keys(of: run) + [
                .text(name), .text(entry.layer), .integer(entry.head),
              ], values: [entry.share, entry.peak, entry.wins])
          }
        }
      })
  }

  /// The weights of a class over all runs, for `weighted(head: @FILE)` of a recipe.
  package func weights(for name: String) -> HeadWeights {
    HeadAtlas.weights(for: name, of: atlases.map(\.atlas))
  }
}
