internal import Pictures

extension ExplainSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Returns: The scene; its warnings name characters that the fonts lack.
  /// - Throws: ``FigureError`` if the width is too small, or a font is missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try style.maps.validate(isDifference: false)
    return try style.page { width, builder in
      try ExplainLayout(
        sheet: self, width: width, style: style.maps,
        scale: style.maps.scale(of: maps, isDifference: false)
      ).scene(builder)
    }
  }
}

/// Places the parts of an ``ExplainSheet``: a block for each seed, then the key.
struct ExplainLayout {
  /// A panel's width; a larger one shows no more.
  private static let panelRange = Metrics.smallestPanel...96.0
  private static let titleHeight = 13.0
  /// The least room for the key beside a block.
  private static let keyWidth = 130.0

  let sheet: ExplainSheet
  let width: Double
  let style: MapStyle
  let scale: ValueScale

  private var inner: Double { width - 2 * Metrics.margin }
  private var panelsPerRow: Int { sheet.subjects.count + 1 }
  private var gaps: Double { Metrics.panelGap * Double(panelsPerRow - 1) }
  private var blockColumns: Int { width >= Metrics.twoBlocks && sheet.blocks.count > 1 ? 2 : 1 }
  private var columnWidth: Double {
    (inner - Metrics.blockGap * Double(blockColumns - 1)) / Double(blockColumns)
  }
  private var panelWidth: Double {
    min((columnWidth - Metrics.gutter - gaps) / Double(panelsPerRow), Self.panelRange.upperBound)
  }
  private var panelHeight: Double {
    panelWidth * Double(sheet.photo.height) / Double(sheet.photo.width)
  }
  private var blockWidth: Double { Metrics.gutter + gaps + panelWidth * Double(panelsPerRow) }

  func scene(_ builder: SceneBuilder) throws -> Scene {
    let needed = Metrics.gutter + gaps + Self.panelRange.lowerBound * Double(panelsPerRow)
    let least = (max(needed, Metrics.smallestBlock) + 2 * Metrics.margin).rounded(.up)
    guard width >= least else { throw FigureError.tooNarrow(width: width, needed: least) }
    var builder = builder
    let top = builder.group("prompt") {
      $0.prompt(sheet.prompt, margin: Metrics.margin, width: inner)
    }
    var bottom = top
    for first in stride(from: 0, to: sheet.blocks.count, by: blockColumns) {
      let y = bottom
      for index in first..<min(first + blockColumns, sheet.blocks.count) {
        let x = Metrics.margin + Double(index - first) * (columnWidth + Metrics.blockGap)
        bottom = max(bottom, drawBlock(sheet.blocks[index], index, x: x, y: y, &builder))
      }
      bottom += 4
    }
    bottom = builder.group("key") { drawKey(top: top, bottom: bottom, &$0) }
    return builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
  }

  private var caption: String {
    Scene.caption(
      sheet.prompt,
      "where each word attends in a photo, noised to the training times shown "
        + Scene.list("seed", sheet.blocks.map { String($0.seed) }),
      quantity: sheet.quantity, scale: scale, style: style, strip: "the largest value")
  }

  /// Draws a seed's rows, the photo in the first, and returns their bottom.
  private func drawBlock(
    _ block: ExplainSheet.Block, _ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    builder.group("seed \(block.seed)") { builder in
      var top = y
      if sheet.blocks.count > 1 {
        let letter = builder.text(
          builder.mark(index), x: x, y: y + 8.6, .init(size: 9, isBold: true))
        builder.text("seed \(block.seed)", x: letter.maxX + 4, y: y + 8.6, .init(size: 8))
        top += Self.titleHeight
      }
      drawColumnLabels(x: x, y: top, &builder)
      top += Metrics.columnLabelHeight
      builder.group("photo") { builder in
        builder.add(.image(sheet.photo, frame(0, x: x, y: top)))
        builder.rectangle(frame(0, x: x, y: top), stroke: builder.rule(0.4))
      }
      for row in block.rows {
        drawRow(row, x: x, y: top, &builder)
        top += panelHeight + Metrics.rowPitch
      }
      return top
    }
  }

  private func drawRow(
    _ row: ExplainSheet.Row, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    builder.group(row.name) { builder in
      builder.verticalText(
        row.name, x: frame(1, x: x, y: y).x - 2.9, y: y + panelHeight / 2, .init(size: 7),
        height: panelHeight)
      for (index, map) in row.maps.enumerated() {
        builder.group("map \(sheet.subjects[index].name)") { builder in
          MapPanel(
            map: map, image: sheet.photo, shared: scale, style: style
          ).draw(in: frame(index + 1, x: x, y: y), &builder)
        }
      }
    }
  }

  /// Where a panel of a row goes; the rows' names stand between the photo and the maps.
  private func frame(_ column: Int, x: Double, y: Double) -> Scene.Rect {
    let left = x + Double(column) * (panelWidth + Metrics.panelGap)
    return Scene.Rect(
      x: column == 0 ? left : left + Metrics.gutter, y: y, width: panelWidth, height: panelHeight)
  }

  private func drawColumnLabels(x: Double, y: Double, _ builder: inout SceneBuilder) {
    let labels = [("photo", "")] + sheet.subjects.map { ($0.name, $0.tokens) }
    for (column, (name, tokens)) in labels.enumerated() {
      let center = frame(column, x: x, y: y).x + panelWidth / 2
      builder.columnLabel(name, tokens: tokens, center: center, y: y, width: panelWidth)
    }
  }

  /// Beside a single block where there is room, else below; returns the sheet's bottom.
  private func drawKey(top: Double, bottom: Double, _ builder: inout SceneBuilder) -> Double {
    let room = inner - blockWidth - Metrics.blockGap
    guard sheet.blocks.count == 1, room >= Self.keyWidth else {
      return drawKey(x: Metrics.margin, y: bottom, width: inner, &builder)
    }
    let key = drawKey(
      x: Metrics.margin + blockWidth + Metrics.blockGap, y: top + Metrics.columnLabelHeight,
      width: room, &builder)
    return max(bottom, key)
  }

  private func drawKey(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    MapKey(
      maps: sheet.maps, quantity: sheet.quantity, scale: scale, style: style,
      note: "Rows: the photo’s latent noised to training time t, from the most noise to the least."
    ).draw(x: x, y: y, width: width, atMost: 12, &builder)
  }
}
