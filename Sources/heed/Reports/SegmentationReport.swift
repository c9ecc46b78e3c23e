import AttentionAnalysis
import AttentionTrace
import Figures
import Pictures

/// Maps against masks that a user drew.
struct SegmentationReport {
  private let runs: [RecordedRun]
  private let masks: [NamedValue]
  private let options: AnalysisOptions
  private let thresholds: [MapThreshold]

  /// - Parameter masks: as in `cat=cat.png,frog=frog-{seed}.png`.
  init(
    _ runs: [RecordedRun], _ options: AnalysisOptions, masks: String, thresholds: [MapThreshold]
  ) throws {
    (self.runs, self.options) = (runs, options)
    self.masks = try NamedValue.list(masks, option: "--masks", example: "cat=cat.png")
    self.thresholds = thresholds
  }

  /// A row for each word and threshold, and one for the best of every twentieth.
  func table() throws -> MeasurementTable {
    let (recipe, weights) = try options.parsedRecipe()
    var made = MeasurementTable(
      recipe: recipe.description, keys: ["prompt", "method", "seed", "word", "threshold"],
      values: ["iou", "ioa", "average_precision"])
    for run in runs {
      for (word, mask, map) in try maps(run, recipe, weights) {
        let first = keys(run) + [.text(word)]
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

  private func keys(_ run: RecordedRun) -> [MeasurementTable.Key] {
    [
      .text(run.manifest.tokens.prompt), .text(run.manifest.method.name),
      .text(String(run.manifest.seed)),
    ]
  }

  /// Segments without names: each word's map gets the mask that suits it best, so that the sum of IoU
  /// over all runs is largest.
  func matched() throws -> MeasurementTable {
    let (recipe, weights) = try options.parsedRecipe()
    var matching = SegmentMatching()
    for run in runs {
      let maps = try maps(run, recipe, weights)
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
          keys: [.text(masks[segment].name), .text(masks[label].name)],
          values: [matching.meanIntersectionOverUnion])
      })
  }

  /// Each named word's mask and map.
  private func maps(
    _ run: RecordedRun, _ recipe: Recipe, _ weights: [String: HeadWeights]
  ) throws -> [(word: String, mask: SegmentationMask, map: AttentionMap)] {
    let selection = WordSelection(run.manifest.tokens)
    let words = try masks.map { try selection.subject(named: $0.name) }
    let maps = try run.maps(of: words, by: recipe, weights: weights)
    return try zip(masks, maps).map { named, map in
      let path = named.value.replacing("{seed}", with: String(run.manifest.seed))
      return (named.name, try mask(path, of: run.manifest), map.map)
    }
  }

  /// White, or whatever is lighter than the middle, is where the thing is.
  private func mask(_ path: String, of run: RunManifest) throws -> SegmentationMask {
    let image = try Picture.read(path)
    guard image.width == run.width, image.height == run.height else {
      throw Failure(
        .dataError,
        "\(path): a mask of \(image.width)x\(image.height) pixels, expected the picture's "
          + "\(run.width)x\(run.height)")
    }
    let channels = image.pixels.count / (image.width * image.height)
    let cells = stride(from: 0, to: image.pixels.count, by: channels).map { first in
      image.pixels[first..<first + min(channels, 3)].contains { $0 >= 128 }
    }
    return try SegmentationMask(
      grid: Grid(rows: image.height, columns: image.width), cells: cells)
  }
}
