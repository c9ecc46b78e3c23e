internal import AttentionAnalysis
package import Drawing
internal import Pictures

extension CompareSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try validate()
    try style.maps.validate(isDifference: false)
    return try style.pages { page, builder in
      try CompareLayout(
        sheet: self, page: page, style: style.maps,
        scale: style.maps.scale(of: maps, isDifference: false), builder
      ).pages(builder)
    }
  }
}

extension CompareSheet {
  /// How each method's lines look.
  var styles: [CurveStyle] { CurveStyle.styles(arePlain: methods.map(\.isPlain)) }
}

/// Places the parts of a ``CompareSheet``: rows of blocks, a seed in each, and the key.
struct CompareLayout {
  private static let blockGap = 10.0
  private static let rowGap = 5.0
  /// The height of a page in the shape of a printed one, and the least that is taken for it.
  private static let pageShape = 1.3
  private static let leastHeight = 540.0
  /// What prompt and key take about.
  private static let frameHeight = 70.0
  /// The least room for the key beside the last blocks.
  private static let keyWidth = 92.0

  let sheet: CompareSheet
  let page: PageSize
  let style: MapStyle
  let scale: ValueScale
  /// How many blocks stand side by side.
  let blockColumns: Int
  private let block: CompareBlock

  /// Makes blocks as large as the page's height allows; on one without an end, as a printed page would.
  ///
  /// If even the smallest blocks do not fit they are the smallest, and rows must go to further pages.
  init(
    sheet: CompareSheet, page: PageSize, style: MapStyle, scale: ValueScale, _ builder: SceneBuilder
  ) throws {
    self.sheet = sheet
    self.page = page
    self.style = style
    self.scale = scale
    let inner = page.inner
    let least = CompareBlock.width(map: CompareBlock.smallestMap, methods: sheet.methods.count)
    try page.require(max(least, Metrics.smallestBlock))
    let axes = Dictionary(uniqueKeysWithValues: sheet.charts.map { ($0, Self.axis(of: $0, sheet)) })
    func block(columns: Int, largestMap: Double = .infinity) -> CompareBlock {
      CompareBlock(
        sheet, width: (inner - Self.blockGap * Double(columns - 1)) / Double(columns),
        largestMap: largestMap, style: style, scale: scale, axes: axes, builder)
    }
    let height =
      page.height.isFinite ? page.height : max(Self.leastHeight, Self.pageShape * page.width)
    let room = height - Self.frameHeight
    // The pictures of one method are as large as those of two side by side would be.
    let fewest = sheet.methods.count > 1 ? 1 : 2
    let most = min(
      max(fewest, sheet.seeds.count),
      max(fewest, Int((inner + Self.blockGap) / (least + Self.blockGap))))
    // Blocks are not made so narrow that words break.
    let candidates =
      [fewest] + (fewest...most).dropFirst().prefix { block(columns: $0).fitsWords }
    let columns =
      candidates.first { columns in
        let rows = (sheet.seeds.count + columns - 1) / columns
        return Double(rows) * (block(columns: columns).height + Self.rowGap) <= room
      } ?? candidates[candidates.count - 1]
    // The key, and the curves, may stand on the next page.
    let highest =
      PageStack.room(of: page, below: builder.head(sheet.prompt, width: inner)) - Self.rowGap
    func fitted(columns: Int) -> CompareBlock {
      var fitted = block(columns: columns)
      // Again where words over narrower maps break into more lines.
      while fitted.panelsHeight > highest, fitted.mapWidth > CompareBlock.smallestMap {
        fitted = block(columns: columns, largestMap: fitted.mapWidth(within: highest))
      }
      return fitted
    }
    var (blocks, chosen) = (columns, fitted(columns: columns))
    // Lower pictures side by side, even where words over their maps break.
    while chosen.panelsHeight > highest, blocks < most {
      blocks += 1
      chosen = fitted(columns: blocks)
    }
    blockColumns = blocks
    self.block = chosen
  }

  private var width: Double { page.width }
  private var inner: Double { page.inner }

  /// The seeds of each row; a page may end after any.
  var rows: [Range<Int>] {
    stride(from: 0, to: sheet.seeds.count, by: blockColumns).map {
      $0..<min($0 + blockColumns, sheet.seeds.count)
    }
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = builder.head(sheet.prompt, width: inner)
    let key = builder.part { builder in builder.group("key") { drawKey(y: 0, &$0) } }
    let stack = PageStack(
      page: page, head: head, key: isKeyBeside ? .empty : key, metadata: sheet.metadata,
      caption: caption)
    // Where a page is too low for a block, its curves may stand on the next one.
    let isDivided = block.height + Self.rowGap > stack.room + stack.key.height
    let lines = rows.flatMap { row -> [PageStack.Line] in
      guard isDivided, !isKeyBeside, !sheet.charts.isEmpty else {
        return [PageStack.Line(part: builder.part { draw(row, y: 0, &$0) })]
      }
      return [
        PageStack.Line(
          part: builder.part { builder in
            for index in row {
              block.drawPanels(index, x: left(of: index - row.lowerBound), y: 0, &builder)
            }
            return block.panelsHeight
          }),
        PageStack.Line(
          part: builder.part { builder in
            for index in row {
              block.drawCharts(index, x: left(of: index - row.lowerBound), y: 0, &builder)
            }
            return block.chartsHeight + Self.rowGap
          }),
      ]
    }
    return try stack.scenes(lines, builder)
  }

  private func left(of column: Int) -> Double {
    Metrics.margin + Double(column) * (block.width + Self.blockGap)
  }

  /// The room beside the blocks of the last row.
  private var roomBeside: Double {
    width - Metrics.margin - left(of: rows.last?.count ?? 0)
  }

  /// Whether the key stands beside the blocks of the last row.
  var isKeyBeside: Bool { roomBeside >= Self.keyWidth }

  /// Draws a row of blocks, the last with the key beside it if there is room, and returns its bottom.
  func draw(_ row: Range<Int>, y: Double, _ builder: inout SceneBuilder) -> Double {
    for index in row {
      block.draw(index, x: left(of: index - row.lowerBound), y: y, &builder)
    }
    var bottom = y + block.height
    if row.upperBound == sheet.seeds.count, isKeyBeside {
      let key = builder.group("key") {
        drawKey(x: left(of: row.count), y: y + 12, width: roomBeside, &$0)
      }
      bottom = max(bottom, key)
    }
    return bottom + Self.rowGap
  }

  /// The axis of a measure over all seeds: from 0 to 1 for the score, from 0 as far as needed for the peak.
  private static func axis(
    of measure: CurveMeasure, _ sheet: CompareSheet
  ) -> (lower: Double, upper: Double) {
    let values = sheet.seeds.flatMap(\.runs).flatMap { $0.curves[measure]?.joined() ?? [].joined() }
      .filter(\.isFinite)
    let (least, greatest) = (min(0, values.min() ?? 0), values.max() ?? 0)
    if measure == .score, least >= 0, greatest <= 1 { return (0, 1) }
    return Ticks.ends(from: least, to: greatest > least ? greatest : least + 1, atMost: 8)
  }

  // MARK: - Key

  /// Colour bar and legend side by side where there is room, the note below.
  func drawKey(y: Double, _ builder: inout SceneBuilder) -> Double {
    guard width >= Metrics.twoBlocks else {
      return drawKey(x: Metrics.margin, y: y, width: inner, &builder)
    }
    let half = (inner - Metrics.blockGap) / 2
    let bar = key.drawBar(x: Metrics.margin, y: y, width: half, &builder)
    let legend = drawLegend(
      x: Metrics.margin + half + Metrics.blockGap, y: y, width: half, &builder)
    return key.drawNote(x: Metrics.margin, y: max(bar, legend) + 2, width: inner, &builder)
  }

  private func drawKey(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let bar = key.drawBar(x: x, y: y, width: width, &builder)
    let legend = drawLegend(x: x, y: bar + 3, width: width, &builder)
    return key.drawNote(x: x, y: legend + 2, width: width, &builder)
  }

  private func drawLegend(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    builder.group("legend") {
      Legend(entries: legendEntries($0)).draw(x: x, y: y, width: width, &$0)
    }
  }

  private var key: MapKey {
    MapKey(
      maps: sheet.maps, quantity: sheet.recipe, scale: scale, style: style,
      note: ([PictureBox.note(sheet.seeds.flatMap(\.runs).flatMap(\.boxes))] + sheet.notes)
        .filter { !$0.isEmpty }.joined(separator: " "))
  }

  private func legendEntries(_ builder: SceneBuilder) -> [Legend.Entry] {
    var entries: [Legend.Entry] = []
    let verdicts = NeglectVerdict.allCases.filter { verdict in
      verdict.isMissing
        && sheet.seeds.contains { $0.runs.contains { $0.verdicts.contains(verdict) } }
    }
    if !verdicts.isEmpty {
      entries.append(
        Legend.ring(verdicts.map(\.words).joined(separator: " or ") + " subject"))
    }
    if block.showsBareNumbers(builder) {
      entries.append(Legend.word("0.12", "peak attention"))
    }
    if !sheet.charts.isEmpty {
      for (index, subject) in sheet.subjects.enumerated() {
        let style = CurveStyle.guided[0].showing(markedWord: index)
        entries.append(Legend.line(style, subject.name))
      }
      entries += zip(sheet.methods, sheet.styles).map {
        Legend.method($1, $0.title, marker: .circle, on: builder.theme)
      }
      if sheet.alteredSteps > 0 && sheet.alteredSteps < sheet.steps {
        entries.append(Legend.shade("after the last altered step"))
      }
    }
    if sheet.charts.contains(.score) {
      if !sheet.thresholds.isEmpty { entries.append(Legend.target("threshold at its step")) }
      if sheet.seeds.contains(where: { $0.runs.contains { !$0.tries.isEmpty } }) {
        entries.append(Legend.word("×n", "refinement tries at a step"))
      }
    }
    if sheet.maps.contains(where: { $0.values.contains { !$0.isFinite } }) {
      entries.append(Legend.hatch("no value"))
    }
    return entries
  }

  // MARK: - Caption

  private var caption: FigureCaption {
    let words = FigureCaption.series(
      sheet.subjects.map { $0.tokens.isEmpty ? $0.name : "\($0.name) (\($0.tokens))" })
    let methods = FigureCaption.series(sheet.methods.map(\.title))
    let missing =
      sheet.missing.isEmpty
      ? []
      : [
        "Framed, neglected or lost by their excitation scores: "
          + sheet.missing.joined(separator: "; ") + "."
      ]
    let curves =
      sheet.charts.contains(.peak)
      ? ["Curves: peak attention, the largest value of a word’s map, at each step."] : []
    let steps = sheet.picturedSteps.map(String.init)
    let common =
      sheet.methods.count == 1
      ? "" : sheet.sharesNoise ? "from the same noise " : "of the same prompt and seeds "
    let shown =
      "pictures by \(methods) " + common
      + FigureCaption.list("seed", sheet.seeds.map { String($0.seed) })
      + ", and below each "
      + (sheet.picturedSteps.isEmpty
        ? "" : "those predicted at steps \(FigureCaption.series(steps)) and ")
      + "the maps of \(words)"
    return FigureCaption.maps(
      sheet.prompt, shown,
      quantity: sheet.recipe, scale: scale, style: style, strip: "its peak attention",
      note: (missing + effects + curves + sheet.notes).joined(separator: " "))
  }

  /// What each guided method did, over its seeds.
  private var effects: [String] {
    sheet.methods.indices.compactMap { method in
      let runs = sheet.seeds.map { $0.runs[method] }
      let moved = runs.compactMap(\.movedSteps)
      guard !sheet.methods[method].isPlain, moved.count == runs.count,
        let least = moved.min(), let most = moved.max()
      else { return nil }
      let count = least == most ? "\(least)" : "\(least)–\(most)"
      return "\(sheet.methods[method].title) moved the latent in \(count) of \(sheet.steps) steps."
    }
  }
}
