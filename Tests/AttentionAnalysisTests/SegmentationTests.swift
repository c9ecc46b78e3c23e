import AttentionAnalysis
import AttentionTrace
import Testing

@Suite("Segmentation")
struct SegmentationTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  private func mask(_ golden: StatisticsGoldens.Segmentation) throws -> SegmentationMask {
    let cells = golden.mask.map { $0 == "#" }
    return try SegmentationMask(
      grid: Grid(rows: golden.maskRows, columns: cells.count / golden.maskRows), cells: cells)
  }

  private func expectScores(
    _ sweep: SegmentationSweep, _ expected: StatisticsGoldens.Segmentation.Scores, _ what: String
  ) {
    #expect(sweep.scores.count == expected.iou.count)
    for (index, score) in sweep.scores.enumerated() {
      expectSame(score.intersectionOverUnion, expected.iou[index], "IoU \(score.threshold) \(what)")
      expectSame(score.intersectionOverArea, expected.ioa[index], "IoA \(score.threshold) \(what)")
    }
    expectSame(sweep.averagePrecision, expected.averagePrecision, "AP \(what)")
    let best = expected.iou.max()
    #expect(sweep.best?.intersectionOverUnion == best)
    #expect(
      sweep.best?.threshold == sweep.scores.first { $0.intersectionOverUnion == best }?.threshold)
  }

  @Test("Scores of cut and ranked maps are scikit-learn's, on the mask's grid and on the map's")
  func scores() throws {
    let thresholds =
      goldens.thresholds.map { MapThreshold.relative($0) }
      + goldens.thresholds.map { MapThreshold.absolute($0 / 10) }
    for (index, golden) in goldens.segmentation.enumerated() {
      let mask = try mask(golden)
      let kernel = try #require(Recipe.Interpolation(rawValue: golden.mode))
      expectScores(
        try SegmentationSweep(
          of: golden.map.map, against: mask, at: thresholds, aligned: .mapResized(kernel)),
        golden.resized, "of map \(index) resized")
      expectScores(
        try SegmentationSweep(
          of: golden.map.map, against: mask, at: thresholds, aligned: .maskReduced),
        golden.reduced, "of map \(index), mask reduced")
    }
  }

  @Test("A reduced mask covers the cells of which at least half is covered")
  func reducedMask() throws {
    for golden in goldens.segmentation {
      let reduced = try mask(golden).reduced(to: golden.map.map.grid)
      #expect(reduced.cells == golden.reducedMask.map { $0 == "#" })
    }
    let mask = try SegmentationMask(
      grid: Grid(rows: 2, columns: 3), cells: [true, false, true, false, false, true])
    let doubled = mask.reduced(to: Grid(rows: 4, columns: 6))
    #expect(doubled.area == 12 && doubled.reduced(to: mask.grid) == mask)
    let left = mask.reduced(to: Grid(rows: 2, columns: 1))
    #expect(left.cells == [true, false])
    #expect(mask.reduced(to: Grid(rows: 1, columns: 1)).cells == [true])
  }

  @Test("A mask of the wrong size is named with both sizes")
  func wrongSize() throws {
    let error = try #require(throws: AnalysisError.self) {
      try SegmentationMask(grid: Grid(rows: 4, columns: 4), cells: [true, false])
    }
    #expect(
      error.description
        == "a mask of 2 cells and a grid of 4x4 cannot be compared: the grid has 16 cells")
  }

  @Test(
    "A mask may be of any size, but must be of the map's shape",
    arguments: [
      (16, 16, 512, 512, true), (17, 16, 520, 512, true), (24, 16, 768, 512, true),
      (16, 16, 512, 768, false), (16, 24, 768, 512, false), (16, 16, 0, 0, false),
    ])
  func shapes(rows: Int, columns: Int, maskRows: Int, maskColumns: Int, fits: Bool) throws {
    let grid = Grid(rows: rows, columns: columns)
    let map = AttentionMap(grid: grid, values: [Float](repeating: 1, count: grid.pixels))
    let size = Grid(rows: maskRows, columns: maskColumns)
    let mask = try SegmentationMask(
      grid: size, cells: [Bool](repeating: true, count: size.pixels))
    if fits {
      let sweep = try SegmentationSweep(of: map, against: mask, aligned: .maskReduced)
      #expect(sweep.averagePrecision == 1 && sweep.best?.threshold == .relative(0.05))
    } else {
      let error = try #require(throws: AnalysisError.self) {
        try SegmentationSweep(of: map, against: mask)
      }
      #expect(error.description.contains("a map of \(grid) and a mask of \(size)"))
    }
  }

  @Test("A map with a NaN has no scores, and a map of nothing predicts nothing")
  func degenerate() throws {
    let mask = try SegmentationMask(grid: Grid(rows: 1, columns: 3), cells: [true, false, true])
    let unknown = try SegmentationSweep(of: AttentionMap([1, .nan, 0]), against: mask)
    #expect(unknown.averagePrecision.isNaN && unknown.best == nil)
    #expect(unknown.scores.allSatisfy { $0.intersectionOverUnion.isNaN })
    let nothing = try SegmentationSweep(of: AttentionMap([0, 0, 0]), against: mask)
    #expect(nothing.scores.allSatisfy { $0.intersectionOverUnion == 0 })
    #expect(nothing.scores.allSatisfy { $0.intersectionOverArea == 0 })
    expectSame(nothing.averagePrecision, 2.0 / 3)
  }
}
