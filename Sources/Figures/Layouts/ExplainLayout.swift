package import Drawing
internal import Pictures

extension ExplainSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try style.maps.validate(isDifference: false)
    return try style.pages { page, builder in
      try ExplainLayout(
        sheet: self, page: page, style: style.maps,
        scale: style.maps.scale(of: maps, isDifference: false), builder
      ).pages(builder)
    }
  }
}

/// Places the parts of an ``ExplainSheet``: for each seed the large photo, beside it a column of maps for
/// each time at half the photo's width, then the key.
struct ExplainLayout {
  private static let titleHeight = 13.0
  private static let gap = CompareBlock.gap
  private static let nameType = SceneBuilder.TextStyle(size: 7)
  private static let pitch = 8.2
  private static let nameHeight = 9.7
  private static let blockGap = 10.0
  /// A map's width from which on all times stand in one row.
  private static let wideMap = 44.0
  /// A map's width from which on several seeds stand side by side.
  private static let largeMap = 64.0
  /// The least room for the key beside a single seed.
  private static let keyWidth = 130.0
  /// The largest map; a larger one shows no more.
  private static let largestMap = 110.0

  let sheet: ExplainSheet
  let page: PageSize
  let style: MapStyle
  let scale: ValueScale

  /// Columns of a map's width, of which the photo takes two in the first row.
  private var columns: Int

  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  init(
    sheet: ExplainSheet, page: PageSize, style: MapStyle, scale: ValueScale,
    _ builder: SceneBuilder
  ) throws {
    (self.sheet, self.page, self.style, self.scale) = (sheet, page, style, scale)
    try page.require(
      max(3 * (Metrics.smallestPanel + Self.gap) - Self.gap, Metrics.smallestBlock))
    func fitting(_ map: Double) -> Int { Int((page.inner + Self.gap) / (map + Self.gap)) }
    let times = sheet.blocks.map(\.rows.count).max() ?? 0
    columns = min(times + 2, max(3, fitting(Self.wideMap)))
    // Where the page's height makes maps narrower, more of them fit beside each other.
    while columns < times + 2, mapWidth == highestMap { columns += 1 }
  }

  private func blockWidth(map: Double) -> Double {
    Double(columns) * (map + Self.gap) - Self.gap
  }

  private var times: Int { sheet.blocks.map(\.rows.count).max() ?? 0 }

  /// How many seeds stand side by side.
  private var blocksPerRow: Int {
    guard columns == times + 2 else { return 1 }
    let pitch = blockWidth(map: Self.largeMap) + Self.blockGap
    return max(1, min(sheet.blocks.count, Int((page.inner + Self.blockGap) / pitch)))
  }

  /// The largest map with which a seed fits on a page, below its prompt and above the key.
  private var highestMap: Double {
    guard page.height.isFinite else { return .infinity }
    let rows = Double((times + 2 + columns - 1) / columns)
    let words = Double(sheet.subjects.count)
    let type = Self.nameHeight + words * (2.6 + Self.pitch + Metrics.stripHeight)
    let room = (page.usableHeight - 90 - Self.titleHeight) / rows - type
    return max(Metrics.smallestPanel, room / (max(2, words) * shape))
  }

  private var mapWidth: Double {
    let room =
      (page.inner - Self.blockGap * Double(blocksPerRow - 1)) / Double(blocksPerRow)
    return min((room + Self.gap) / Double(columns) - Self.gap, Self.largestMap, highestMap)
  }
  private var shape: Double { Double(sheet.photo.height) / Double(sheet.photo.width) }

  /// Two maps wide; where the page's height makes maps narrower than its width does, the photo takes what is
  /// left of the width, as far as it is no higher than the maps beside it.
  private func photoWidth(_ builder: SceneBuilder) -> Double {
    let least = 2 * mapWidth + Self.gap
    guard mapWidth == highestMap, columns == times + 2, blocksPerRow == 1, !isKeyBeside else {
      return least
    }
    let highest = (columnHeight(builder) - Self.nameHeight) / shape
    return max(least, min(least + page.inner - blockWidth(map: mapWidth), highest))
  }

  private func columnHeight(_ builder: SceneBuilder) -> Double {
    Self.nameHeight
      + Double(sheet.subjects.count)
      * (labelHeight(builder) + mapWidth * shape + Metrics.stripHeight)
  }

  /// Whether the key stands beside a single seed, not below.
  private var isKeyBeside: Bool {
    sheet.blocks.count == 1
      && page.inner - blockWidth(map: mapWidth) - Self.blockGap >= Self.keyWidth
  }

  private func labelLines(_ builder: SceneBuilder) -> Int {
    sheet.subjects.map { builder.lines($0.name, width: mapWidth, Self.nameType).count }.max() ?? 1
  }

  private func labelHeight(_ builder: SceneBuilder) -> Double {
    2.6 + Double(labelLines(builder)) * Self.pitch
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = builder.head(sheet.prompt, width: page.inner)
    let pitch = blockWidth(map: mapWidth) + Self.blockGap
    func drawKey(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
      builder.group("key") {
        MapKey(
          maps: sheet.maps, quantity: sheet.quantity, scale: scale, style: style,
          note: [
            "Times: the photo’s latent noised to training time t, from the most noise to the least.",
            PictureBox.note(sheet.boxes),
          ].filter { !$0.isEmpty }.joined(separator: " ")
        ).draw(x: x, y: y, width: width, &$0)
      }
    }
    let lines = stride(from: 0, to: sheet.blocks.count, by: blocksPerRow).map { first in
      PageStack.Line(
        part: builder.part { builder in
          var bottom = 0.0
          for index in first..<min(first + blocksPerRow, sheet.blocks.count) {
            let x = Metrics.margin + Double(index - first) * pitch
            bottom = max(bottom, draw(sheet.blocks[index], index, x: x, y: 0, &builder) + 4)
          }
          guard isKeyBeside else { return bottom }
          let key = drawKey(
            x: Metrics.margin + pitch, y: Self.nameHeight, width: page.inner - pitch, &builder)
          return max(bottom, key)
        })
    }
    let key = builder.part { drawKey(x: Metrics.margin, y: 0, width: page.inner, &$0) }
    return try PageStack(
      page: page, head: head, key: isKeyBeside ? .empty : key, metadata: sheet.metadata,
      caption: caption
    ).scenes(lines, builder)
  }

  private var caption: FigureCaption {
    FigureCaption.maps(
      sheet.prompt,
      "where each word attends in a photo, noised to the training times shown "
        + FigureCaption.list("seed", sheet.blocks.map { String($0.seed) }),
      quantity: sheet.quantity, scale: scale, style: style, strip: "its peak attention")
  }

  /// Draws a seed's photo and maps, and returns their bottom.
  private func draw(
    _ block: ExplainSheet.Block, _ index: Int, x: Double, y: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    builder.group("seed \(block.seed)") { builder in
      var top = y
      if sheet.blocks.count > 1 {
        let letter = builder.text(
          builder.mark(index), x: x, y: y + 8.6, .init(size: 9, isBold: true))
        builder.text("seed \(block.seed)", x: letter.maxX + 4, y: y + 8.6, .init(size: 8))
        top += Self.titleHeight
      }
      let photoWidth = photoWidth(builder)
      let photo = Scene.Rect(
        x: x, y: top + Self.nameHeight, width: photoWidth, height: photoWidth * shape)
      builder.group("photo") { builder in
        builder.text(
          "photo", x: photo.x + photo.width / 2, y: top + 6.4, Self.nameType, .center)
        builder.add(.image(sheet.photo, photo))
        builder.rectangle(photo, stroke: builder.rule(0.4))
        PictureBox.draw(sheet.boxes, in: photo, &builder)
      }
      let columnHeight = columnHeight(builder)
      // How much wider than two maps the photo is.
      let excess = photoWidth - 2 * mapWidth - Self.gap
      for (place, row) in block.rows.enumerated() {
        // The photo takes two columns of the first row.
        let (line, column) = (place + 2).quotientAndRemainder(dividingBy: columns)
        drawColumn(
          row, x: x + excess + Double(column) * (mapWidth + Self.gap),
          y: line == 0
            ? top
            : max(photo.maxY + 4, top + columnHeight + 4)
              + Double(line - 1) * (columnHeight + 4), &builder)
      }
      let lines = (block.rows.count + 1) / columns + 1
      let first = max(photo.maxY, top + columnHeight)
      return first + Double(lines - 1) * (columnHeight + 4)
    }
  }

  /// Draws the maps of a time below each other, under its name.
  private func drawColumn(
    _ row: ExplainSheet.Row, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    builder.group(row.name) { builder in
      builder.text(row.name, x: x + mapWidth / 2, y: y + 6.4, Self.nameType, .center)
      let label = labelHeight(builder)
      var top = y + Self.nameHeight
      for (index, map) in row.maps.enumerated() {
        builder.group("map \(sheet.subjects[index].name)") { builder in
          let lines = builder.lines(
            sheet.subjects[index].name, width: mapWidth, Self.nameType)
          builder.paragraph(
            sheet.subjects[index].name, x: x + mapWidth / 2,
            y: top + label - 2.4 - Double(lines.count) * Self.pitch, width: mapWidth,
            Self.nameType, baseline: 6.4, pitch: Self.pitch, .center)
          MapPanel(
            map: map, image: sheet.photo, shared: scale, style: style,
            boxes: sheet.boxes.filter { $0.word == sheet.subjects[index].name }
          ).draw(
            in: Scene.Rect(x: x, y: top + label, width: mapWidth, height: mapWidth * shape),
            &builder)
        }
        top += label + mapWidth * shape + Metrics.stripHeight
      }
    }
  }
}
