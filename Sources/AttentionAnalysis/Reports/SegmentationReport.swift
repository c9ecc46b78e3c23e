package import AttentionTrace
internal import PromptText

/// How well maps segment the objects that masks show.
package struct SegmentationReport {
  private let runs: [RecordedRun]
  private let words: [String]
  private let recipe: Recipe
  private let weights: [String: HeadWeights]
  private let thresholds: [MapThreshold]
  private let mask: (String, RecordedRun) throws -> SegmentationMask

  /// - Parameters:
  ///   - runs: Those that are measured.
  ///   - words: Those that have masks, as `WordReference` reads them.
  ///   - recipe: How maps are made.
  ///   - weights: The head weights that the recipe names, by path.
  ///   - thresholds: From which a cell counts; at least one.
  ///   - mask: The mask of a word in a run's picture.
  package init(
    _ runs: [RecordedRun], words: [String], by recipe: Recipe, weights: [String: HeadWeights],
    thresholds: [MapThreshold], mask: @escaping (String, RecordedRun) throws -> SegmentationMask
  ) {
    (self.runs, self.words, self.recipe, self.weights) = (runs, words, recipe, weights)
    (self.thresholds, self.mask) = (thresholds, mask)
  }

  /// A row for each word and threshold, and one for the best of every twentieth.
  package func table() throws -> MeasurementTable {
    var made = MeasurementTable(
      recipe: recipe.description, keys: RunMeasurement.runKeys + ["word", "threshold"],
      values: ["iou", "ioa", "average_precision"])
    for run in runs {
      for (word, mask, map) in try maps(run) {
        let first = RunMeasurement.keys(of: run) + [.text(word)]
        let asked = try SegmentationSweep(
          of: map, against: mask, at: thresholds)
        for score in asked.scores {
          made.rows.append(
            row(first + [.text(score.threshold.description)], score, asked.averagePrecision))
        }
        let all = try SegmentationSweep(of: map, against: mask)
        if let best = all.best {
          made.rows.append(
            row(first + [.text("best: \(best.threshold)")], best, all.averagePrecision))
        }
      }
    }
    return made
  }

  private func row(
    _ keys: [MeasurementTable.Key], _ score: SegmentationSweep.Score, _ precision: Double
  ) -> MeasurementTable.Row {
    MeasurementTable.Row(
      keys: keys, values: [score.intersectionOverUnion, score.intersectionOverArea, precision])
  }

  /// Segments without names: each word's map is assigned a mask so that the sum of IoU
  /// over all runs is largest.
  package func matched() throws -> MeasurementTable {
    var matching = SegmentMatching()
    for run in runs {
      let maps = try maps(run)
      for (segment, (_, _, map)) in maps.enumerated() {
        for (label, (_, mask, _)) in maps.enumerated() {
          let sweep = try SegmentationSweep(
            of: map, against: mask, at: [thresholds[0]])
          matching.add(
            segment: segment, label: label,
            intersectionOverUnion: sweep.scores[0].intersectionOverUnion)
        }
      }
    }
    return MeasurementTable(
      recipe: recipe.description, keys: ["map_of", "mask_of"], values: ["mean_iou_of_all"],
      rows: (matching.assignment ?? []).map { segment, label in
        MeasurementTable.Row(
          keys: [.text(words[segment]), .text(words[label])],
          values: [matching.meanIntersectionOverUnion])
      })
  }

  /// Each word's mask and map.
  private func maps(
    _ run: RecordedRun
  ) throws -> [(word: String, mask: SegmentationMask, map: AttentionMap)] {
    let subjects = try run.subjects(words.map { try WordReference($0) }, by: recipe)
    try run.refuseIndices(subjects, among: runs)
    let maps = try run.maps(of: subjects, by: recipe, weights: weights)
    return try zip(words, maps).map { word, map in (word, try mask(word, run), map.map) }
  }
}
