internal import AttentionAnalysis
internal import Drawing
internal import Pictures

/// A seed's block at a given width: the methods side by side, each with its picture and below it those that
/// steps predicted and the words' maps at half its width, two a row; then the curves.
struct CompareBlock {
  /// Between the columns of methods, and between maps side by side: room for two frames.
  static let gap = 4.5
  /// The narrowest map that its number fits below.
  static let smallestMap = 20.0
  /// The narrowest predicted picture that the name of its step fits above.
  private static let smallestStep = 25.0
  private static let stepType = SceneBuilder.TextStyle(size: 6)
  private static let stepLabelHeight = 8.5
  private static let markType = SceneBuilder.TextStyle(size: 9, isBold: true)
  private static let titleType = SceneBuilder.TextStyle(size: 8)
  private static let pitch = 8.2
  /// For one or two methods; more lines need more room.
  private static let stripPlot = 27.0
  private static let chartPlot = 46.0
  /// The narrowest of two charts side by side.
  private static let smallestChart = 105.0

  let sheet: CompareSheet
  let width: Double
  /// Half a picture, or less on a page that would be too low.
  let mapWidth: Double
  let style: MapStyle
  let scale: ValueScale
  /// The axis of each chart, the same for all seeds.
  let axes: [CurveMeasure: (lower: Double, upper: Double)]
  /// The same for all methods: the largest in which their names are one line, or else the usual.
  private let nameType: SceneBuilder.TextStyle
  private let titleLines: Int
  private let nameLines: Int
  private let labelLines: Int
  private let labelSize: Double
  /// Whether every word stands in one line above its maps.
  let fitsWords: Bool

  /// - Parameter largestMap: the width that maps have at most.
  init(
    _ sheet: CompareSheet, width: Double, largestMap: Double = .infinity, style: MapStyle,
    scale: ValueScale, axes: [CurveMeasure: (lower: Double, upper: Double)],
    _ builder: SceneBuilder
  ) {
    self.sheet = sheet
    self.width = width
    self.style = style
    self.scale = scale
    self.axes = axes
    let column = Self.columnWidth(width, methods: sheet.methods.count)
    let map = min((column - Self.gap) / 2, largestMap)
    mapWidth = map
    let size = [7, 6.5, 6].first { size in
      sheet.methods.allSatisfy { builder.width(of: $0.title, .init(size: size)) <= column }
    }
    let nameType = SceneBuilder.TextStyle(size: size ?? 7)
    self.nameType = nameType
    titleLines =
      sheet.seeds.indices.map { index in
        Self.titleLines(index, of: sheet, width, builder).count
      }.max() ?? 1
    nameLines =
      sheet.methods.map { builder.lines($0.title, width: column, nameType).count }.max() ?? 1
    func fits(_ size: Double) -> Bool {
      sheet.subjects.allSatisfy {
        builder.width(of: $0.name, .init(size: size, isBold: true)) <= map
      }
    }
    let labelSize = [7, 6.5, 6].first(where: fits)
    fitsWords = labelSize != nil
    self.labelSize = labelSize ?? 6
    labelLines =
      labelSize != nil
      ? 1
      : sheet.subjects.flatMap { subject in
        [false, true].map { isBold in
          builder.lines(subject.name, width: map, .init(size: 6, isBold: isBold)).count
        }
      }.max() ?? 1
  }

  private static func columnWidth(_ width: Double, methods: Int) -> Double {
    (width - gap * Double(methods - 1)) / Double(methods)
  }

  /// The width of a block whose maps are `map` wide.
  static func width(map: Double, methods: Int) -> Double {
    Double(methods) * (2 * map + gap) + gap * Double(methods - 1)
  }

  private var columnWidth: Double { Self.columnWidth(width, methods: sheet.methods.count) }
  /// The first picture's shape is everyone's.
  private var shape: Double {
    let image = sheet.seeds[0].runs[0].image
    return Double(image.height) / Double(image.width)
  }
  private var pictureHeight: Double { columnWidth * shape }
  private var mapHeight: Double { mapWidth * shape }
  private var titleHeight: Double { 3.5 + Double(titleLines) * 9 }
  private var nameHeight: Double { 1.5 + Double(nameLines) * Self.pitch }
  private var labelHeight: Double { 2.6 + Double(labelLines) * Self.pitch }
  /// Predicted pictures side by side: as many rows of them as it takes, of about the same length.
  private var stepColumns: Int {
    let count = sheet.picturedSteps.count
    let most = max(1, Int((columnWidth + Self.gap) / (Self.smallestStep + Self.gap)))
    return count == 0 ? 1 : (count + (count + most - 1) / most - 1) / ((count + most - 1) / most)
  }
  private var stepRows: Int { (sheet.picturedSteps.count + stepColumns - 1) / stepColumns }
  private var stepWidth: Double {
    min(mapWidth, (columnWidth - Self.gap * Double(stepColumns - 1)) / Double(stepColumns))
  }
  private var stepHeight: Double { Self.stepLabelHeight + stepWidth * shape }
  private var stepsHeight: Double { Double(stepRows) * stepHeight + (stepRows > 0 ? 2 : 0) }
  private var mapRows: Int { (sheet.subjects.count + 1) / 2 }

  /// The height of a block.
  var height: Double { panelsHeight + chartsHeight }

  /// The height without the curves.
  var panelsHeight: Double {
    titleHeight + nameHeight + pictureHeight + stepsHeight
      + Double(mapRows) * (labelHeight + mapHeight + Metrics.stripHeight + 1)
  }

  /// How wide maps are with which pictures and maps are `height` high, at least the narrowest.
  func mapWidth(within height: Double) -> Double {
    let excess = panelsHeight - height
    // Rounded to tenths of a point, so that it fits in spite of rounding.
    let width = ((mapWidth - excess / (Double(mapRows) * shape)) * 10 - 1).rounded(.down) / 10
    return max(Self.smallestMap, width)
  }

  /// Whether the numbers below some maps have no room for what they are.
  func showsBareNumbers(_ builder: SceneBuilder) -> Bool {
    sheet.maps.contains { !MapPanel.hasRoom(forLabelOf: $0, width: mapWidth, style, builder) }
  }

  // MARK: - Drawing

  /// Draws the block of the seed at `index`.
  func draw(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    group(index, &builder) { builder in
      placePanels(index, x: x, y: y, &builder)
      placeCharts(sheet.seeds[index], x: x, y: y + panelsHeight, &builder)
    }
  }

  private func group(
    _ index: Int, _ builder: inout SceneBuilder, _ body: (inout SceneBuilder) -> Void
  ) {
    builder.group("seed \(sheet.seeds[index].seed)", body)
  }

  /// Draws pictures and maps of the seed at `index` alone.
  func drawPanels(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    group(index, &builder) { placePanels(index, x: x, y: y, &$0) }
  }

  private func placePanels(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    drawTitle(index, x: x, y: y, &builder)
    for (place, method) in sheet.methods.enumerated() {
      builder.group(method.title) { builder in
        draw(
          sheet.seeds[index].runs[place], of: method,
          x: x + Double(place) * (columnWidth + Self.gap), y: y + titleHeight, &builder)
      }
    }
  }

  /// A letter tells several seeds apart.
  private static func mark(
    _ index: Int, of sheet: CompareSheet, _ builder: SceneBuilder
  ) -> String {
    sheet.seeds.count > 1 ? builder.mark(index) : ""
  }

  private static func titleLines(
    _ index: Int, of sheet: CompareSheet, _ width: Double, _ builder: SceneBuilder
  ) -> [String] {
    let room = width - builder.width(of: mark(index, of: sheet, builder), markType) - 4
    return builder.lines("seed \(sheet.seeds[index].seed)", width: room, titleType)
  }

  private func drawTitle(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    let mark = Self.mark(index, of: sheet, builder)
    let left = mark.isEmpty ? x : builder.text(mark, x: x, y: y + 8.6, Self.markType).maxX + 4
    let lines = Self.titleLines(index, of: sheet, width, builder)
    for (line, words) in lines.enumerated() {
      builder.text(words, x: left, y: y + 8.6 + Double(line) * 9, Self.titleType)
    }
  }

  private func draw(
    _ run: CompareSheet.Run, of method: CompareSheet.Method, x: Double, y: Double,
    _ builder: inout SceneBuilder
  ) {
    builder.paragraph(
      method.title, x: x + columnWidth / 2, y: y, width: columnWidth, nameType, baseline: 6.2,
      pitch: Self.pitch, .center)
    let picture = Scene.Rect(
      x: x, y: y + nameHeight, width: columnWidth, height: pictureHeight)
    builder.group("picture") { builder in
      let frame = picture.inscribed(run.image)
      builder.add(.image(run.image, frame))
      builder.rectangle(frame, stroke: builder.rule(0.4))
      PictureBox.draw(run.boxes, in: frame, &builder)
    }
    for (place, step) in sheet.picturedSteps.enumerated() {
      let (row, column) = (place / stepColumns, place % stepColumns)
      let count = min(stepColumns, sheet.picturedSteps.count - row * stepColumns)
      let room = Double(count) * (stepWidth + Self.gap) - Self.gap
      let frame = Scene.Rect(
        x: x + (columnWidth - room) / 2 + Double(column) * (stepWidth + Self.gap),
        y: picture.maxY + Double(row) * stepHeight + Self.stepLabelHeight, width: stepWidth,
        height: stepWidth * shape)
      builder.group("step \(step)") { builder in
        builder.text(
          "step \(step)", x: frame.x + frame.width / 2, y: frame.y - 2.2, Self.stepType, .center)
        builder.add(.image(run.stepPictures[place], frame))
        builder.rectangle(frame, stroke: builder.rule(0.4))
      }
    }
    for (index, map) in run.maps.enumerated() {
      let row = index / 2
      // A word that is alone in its row stands in the middle.
      let isAlone = index % 2 == 0 && index == run.maps.count - 1
      let room = (isAlone ? 1 : 2) * (mapWidth + Self.gap) - Self.gap
      let left = x + (columnWidth - room) / 2 + Double(index % 2) * (mapWidth + Self.gap)
      let top =
        picture.maxY + stepsHeight + Double(row)
        * (labelHeight + mapHeight + Metrics.stripHeight + 1)
      let frame = Scene.Rect(x: left, y: top + labelHeight, width: mapWidth, height: mapHeight)
      builder.group("map \(sheet.subjects[index].name)") { builder in
        drawLabel(index, run.verdicts[index], above: frame, &builder)
        MapPanel(
          map: map, image: run.image, shared: scale, style: style,
          boxes: run.boxes.filter { $0.finding != nil && $0.word == sheet.subjects[index].name }
        ).draw(in: frame.inscribed(run.image), &builder)
        if run.verdicts[index].isMissing {
          MapPanel.drawRing(around: frame.inscribed(run.image), &builder)
        }
      }
    }
  }

  /// The word, in bold and with the verdict where it is missing; the verdict only if there is room for it.
  private func drawLabel(
    _ index: Int, _ verdict: NeglectVerdict, above frame: Scene.Rect,
    _ builder: inout SceneBuilder
  ) {
    let name = sheet.subjects[index].name
    let type = SceneBuilder.TextStyle(size: labelSize, isBold: verdict.isMissing)
    let full = "\(name) — \(verdict.words)"
    let words =
      verdict.isMissing && builder.width(of: full, type) <= frame.width ? full : name
    let lines = builder.lines(words, width: frame.width, type)
    builder.paragraph(
      words, x: frame.x + frame.width / 2,
      y: frame.y - 2.4 - Double(lines.count) * Self.pitch, width: frame.width, type,
      baseline: 6.4, pitch: Self.pitch, .center)
  }

  // MARK: - Curves

  private var areChartsBeside: Bool {
    sheet.charts.count > 1 && (width - Metrics.blockGap) / 2 >= Self.smallestChart
  }

  /// Tries belong to scores.
  private var triesRows: Int {
    sheet.charts.contains(.score)
      && sheet.seeds.contains { $0.runs.contains { !$0.tries.isEmpty } } ? 1 : 0
  }

  private var plotHeight: Double {
    sheet.curves == .full || sheet.methods.count > 2 ? Self.chartPlot : Self.stripPlot
  }

  private var chartHeight: Double {
    CurveChart.height(triesRows: triesRows, plotHeight: plotHeight, namesSteps: false)
  }

  /// The height of the curves.
  var chartsHeight: Double {
    let rows = areChartsBeside ? 1 : sheet.charts.count
    return Double(rows) * (chartHeight + 2)
  }

  /// Draws the curves of the seed at `index` alone.
  func drawCharts(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    group(index, &builder) { placeCharts(sheet.seeds[index], x: x, y: y, &$0) }
  }

  private func placeCharts(
    _ seed: CompareSheet.Seed, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    for (index, measure) in sheet.charts.enumerated() {
      let room = areChartsBeside ? (width - Metrics.blockGap) / 2 : width
      let frame = Scene.Rect(
        x: areChartsBeside ? x + Double(index) * (room + Metrics.blockGap) : x,
        y: areChartsBeside ? y + 2 : y + 2 + Double(index) * (chartHeight + 2), width: room,
        height: chartHeight)
      builder.group("curve \(measure.rawValue)") { chart(measure, seed).draw(in: frame, &$0) }
    }
  }

  private func chart(_ measure: CurveMeasure, _ seed: CompareSheet.Seed) -> CurveChart {
    let styles = sheet.styles
    let series = sheet.subjects.indices.flatMap { word in
      zip(seed.runs, styles).compactMap { run, style -> CurveChart.Series? in
        guard let values = run.curves[measure]?[word] else { return nil }
        return CurveChart.Series([values], style.showing(markedWord: word))
      }
    }
    let isScore = measure == .score
    let tries =
      isScore ? seed.runs.reduce(into: [:]) { $0.merge($1.tries, uniquingKeysWith: +) } : [:]
    return CurveChart(
      title: isScore ? "excitation score by step" : "peak attention by step", steps: sheet.steps,
      range: axes[measure] ?? (0, 1), series: series,
      schedule: StepSchedule(
        levels: isScore ? sheet.thresholds.mapValues { [$0] } : [:],
        alteredSteps: sheet.alteredSteps),
      tries: tries.isEmpty ? [] : [(TriesRow(counts: tries, sign: "×"), nil)],
      triesRows: triesRows, plotHeight: plotHeight, namesSteps: false)
  }
}
