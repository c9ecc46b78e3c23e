internal import AttentionAnalysis
internal import AttentionTrace
package import Drawing
internal import Pictures

extension MapSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try style.maps.validate(isDifference: showsDifferences)
    return try style.pages { page, builder in
      try MapSheetLayout(sheet: self, page: page, style: style.maps).pages(builder)
    }
  }
}

/// Places the panels of a ``MapSheet``: in bands, columns that do not fit continuing below, or, where there
/// are fewer columns than the width has room for, in blocks of rows beside each other.
struct MapSheetLayout {
  static let type = SceneBuilder.TextStyle(size: 6.5)
  private static let headingPitch = 7.6
  private static let headingGap = 1.4

  let sheet: MapSheet
  let page: PageSize
  let style: MapStyle
  let scale: ValueScale

  init(sheet: MapSheet, page: PageSize, style: MapStyle) {
    self.sheet = sheet
    self.page = page
    self.style = sheet.showsDifferences ? style.forDifferences : style
    scale = self.style.scale(of: sheet.scaleMaps, isDifference: sheet.showsDifferences)
  }

  private var inner: Double { page.inner }

  /// Facets of rows or of columns that have one value say nothing in a heading.
  func shown(_ headings: [MapSheet.Heading]) -> [Int] {
    let places = (headings.first?.facets.indices).map(Array.init) ?? []
    let varying = places.filter { place in Set(headings.map { $0.values[place] }).count > 1 }
    return varying.isEmpty ? places.suffix(1) : varying
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = head(builder)
    var stack = PageStack(
      page: page, head: head, key: key(width: inner, builder), metadata: sheet.metadata,
      caption: caption)
    let grid = try MapSheetGrid(layout: self, room: stack.room, builder)
    if let beside = grid.keyWidth {
      let key = key(width: beside, builder)
      stack.key = .empty
      return stack.scenes(
        grid.pages.map { blocks in
          builder.part { builder in
            let bottom = draw(blocks, grid, &builder)
            return max(bottom, builder.place(key, x: inner - beside, y: 0))
          }
        }, builder)
    }
    return stack.scenes(
      grid.pages.map { blocks in builder.part { draw(blocks, grid, &$0) } }, builder)
  }

  private func head(_ builder: SceneBuilder) -> PagePart {
    let prompt = builder.head(sheet.prompt, width: inner)
    return builder.part { builder in
      var bottom = builder.place(prompt, y: 0)
      if !common.isEmpty {
        bottom =
          builder.paragraph(
            common, x: Metrics.margin, y: bottom - 1, width: inner, builder.secondary(7),
            baseline: 6.4, pitch: 8.4) + 2.6
      }
      if let frame = sheet.frame { bottom = draw(frame, y: bottom, &builder) }
      return bottom
    }
  }

  private func key(width: Double, _ builder: SceneBuilder) -> PagePart {
    builder.part { builder in
      builder.group("key") {
        MapKey(
          maps: sheet.scaleMaps, quantity: sheet.quantity, scale: scale, style: style, note: note
        ).draw(
          x: Metrics.margin, y: 0, width: width,
          barWidth: width < inner ? width : MapKey.barWidth, &$0)
      }
    }
  }

  /// What all maps have in common and no heading says, as in `seed 1, cat`.
  private var common: String {
    let said = facets(sheet.rows) + facets(sheet.columns) + (sheet.frame == nil ? [] : [.step])
    return MapSheetPlan.Facet.allCases.filter { !said.contains($0) }
      // The headings of differences name both methods.
      .filter { !sheet.showsDifferences || $0 != .method }
      .compactMap { sheet.common[$0] }.joined(separator: ", ")
  }

  /// The facets that headings say.
  private func facets(_ headings: [MapSheet.Heading]) -> [MapSheetPlan.Facet] {
    shown(headings).compactMap { headings.first?.facets[$0] ?? nil }
  }

  private var caption: FigureCaption {
    let names = { facets($0).map(\.rawValue).joined(separator: " and ") }
    return FigureCaption.maps(
      sheet.prompt,
      "maps by \(names(sheet.rows)) (down) and \(names(sheet.columns)) (across)"
        + (common.isEmpty ? "" : " of \(common)"),
      quantity: sheet.quantity, scale: scale, style: style,
      strip: sheet.showsDifferences ? "the largest loss or gain of a cell" : "its peak",
      note: sheet.warnings.joined(separator: " "))
  }

  /// The step in words, and how far along the run it is.
  private func draw(
    _ frame: MapSheet.Frame, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    builder.text(
      "step \(frame.step) of 0…\(frame.steps - 1)", x: Metrics.margin, y: y + 6.6, .init(size: 8))
    let track = Scene.Rect(x: Metrics.margin + 84, y: y + 2.4, width: inner - 84, height: 3)
    builder.rectangle(track, fill: builder.theme.shade)
    var done = track
    done.width *= Double(frame.step + 1) / Double(max(frame.steps, frame.step + 1))
    builder.rectangle(done, fill: builder.theme.rule)
    return y + 12
  }

  // MARK: - Blocks

  /// Draws the blocks of a page from its top, and returns the bottom of the lowest.
  private func draw(
    _ rows: [[MapSheetGrid.Block]], _ grid: MapSheetGrid, _ builder: inout SceneBuilder
  ) -> Double {
    var bottom = 0.0
    for blocks in rows {
      let top = bottom
      for (index, block) in blocks.enumerated() {
        let x = Metrics.margin + Double(index) * (grid.blockWidth + Metrics.blockGap)
        bottom = max(bottom, draw(block, grid, x: x, y: top, &builder))
      }
      bottom += MapSheetGrid.bandGap
    }
    return bottom
  }

  private func draw(
    _ block: MapSheetGrid.Block, _ grid: MapSheetGrid, x: Double, y: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    let left = x + grid.gutter.width
    let top = drawHeadings(block.columns, x: left, y: y, panel: grid.panel, &builder)
    grid.gutter.draw(
      block.rows, x: x, y: top, pitch: grid.rowHeight, height: grid.rowHeight - Metrics.rowGap,
      &builder)
    for row in block.rows {
      drawRow(
        row, block.columns, x: left,
        y: top + Double(row - block.rows.lowerBound) * grid.rowHeight, panel: grid.panel, &builder)
    }
    return top + Double(block.rows.count) * grid.rowHeight
  }

  // MARK: - Headings

  /// The room above the panels of `columns`.
  func headingsHeight(_ columns: Range<Int>, panel: Double, _ builder: SceneBuilder) -> Double {
    builder.part { drawHeadings(columns, x: 0, y: 0, panel: panel, &$0) }.height
  }

  /// A line for each facet, the outer ones over all the columns they hold.
  private func drawHeadings(
    _ columns: Range<Int>, x: Double, y: Double, panel: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let places = shown(sheet.columns)
    let pitch = panel + Metrics.panelGap
    var top = y
    for (level, place) in places.dropLast().enumerated() {
      var bottom = top
      for span in spans(columns, of: places.prefix(level + 1)) {
        let left = x + Double(span.lowerBound - columns.lowerBound) * pitch
        let wide = Double(span.count) * pitch - Metrics.panelGap
        let end = builder.paragraph(
          sheet.columns[span.lowerBound].labels[place], x: left + wide / 2, y: top, width: wide,
          Self.type, baseline: 6.6, pitch: Self.headingPitch, .center)
        bottom = max(bottom, end + Self.headingGap)
      }
      for span in spans(columns, of: places.prefix(level + 1)) {
        let left = x + Double(span.lowerBound - columns.lowerBound) * pitch
        let wide = Double(span.count) * pitch - Metrics.panelGap
        builder.line(
          [Scene.Point(left, bottom), Scene.Point(left + wide, bottom)], builder.rule(0.4))
      }
      top = bottom + 1.5
    }
    guard let place = places.last else { return top }
    let labels = columns.map { column in
      ColumnLabels.Label(
        name: sheet.columns[column].labels[place], detail: sheet.columns[column].detail)
    }
    return ColumnLabels(labels, width: panel, builder).draw(
      centers: labels.indices.map { x + Double($0) * pitch + panel / 2 }, y: top, &builder)
  }

  /// Neighbouring columns whose headings agree at `places`.
  func spans(_ columns: Range<Int>, of places: ArraySlice<Int>) -> [Range<Int>] {
    Self.spans(columns) { column in places.map { sheet.columns[column].labels[$0] } }
  }

  /// Neighbours for which `heading` is the same.
  static func spans(_ indices: Range<Int>, by heading: (Int) -> [String]) -> [Range<Int>] {
    var spans: [Range<Int>] = []
    for index in indices {
      if let last = spans.last, heading(last.lowerBound) == heading(index) {
        spans[spans.count - 1] = last.lowerBound..<(index + 1)
      } else {
        spans.append(index..<(index + 1))
      }
    }
    return spans
  }

  // MARK: - Rows

  private func drawRow(
    _ row: Int, _ columns: Range<Int>, x: Double, y: Double, panel: Double,
    _ builder: inout SceneBuilder
  ) {
    builder.group(sheet.rows[row].labels.joined(separator: ", ")) { builder in
      for column in columns {
        let left = x + Double(column - columns.lowerBound) * (panel + Metrics.panelGap)
        let frame = Scene.Rect(
          x: left, y: y, width: panel, height: panelHeight(row, column, width: panel))
        draw(row, column, in: frame, &builder)
      }
    }
  }

  /// A panel has its picture's shape; one without has that of another in its row, or anywhere.
  func panelHeight(_ row: Int, _ column: Int, width: Double) -> Double {
    let pictures = sheet.pictures
    guard
      let picture = pictures[row][column] ?? pictures[row].lazy.compactMap(\.self).first
        ?? pictures.joined().lazy.compactMap(\.self).first
    else { return width }
    return width * Double(picture.height) / Double(picture.width)
  }

  private func draw(
    _ row: Int, _ column: Int, in frame: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    let name = sheet.columns[column].labels.joined(separator: ", ")
    builder.group(name) { builder in
      let (picture, boxes) = (sheet.pictures[row][column], sheet.boxes[row][column])
      switch (sheet.panels[row][column], picture) {
      case (.map(let map), let picture?):
        MapPanel(map: map, image: picture, shared: scale, style: style, boxes: boxes)
          .draw(in: frame, &builder)
      case (.difference(let map, let isGain), let picture?):
        MapPanel(
          map: map, image: picture, shared: scale, style: style, side: isGain ? .gain : .loss,
          boxes: boxes
        ).draw(in: frame, &builder)
      case (.picture, let picture?):
        builder.add(.image(picture, frame))
        builder.rectangle(frame, stroke: builder.rule(0.4))
        PictureBox.draw(boxes, in: frame, &builder)
      default:
        MapPanel.hatch(frame, &builder)
        builder.rectangle(frame, stroke: builder.rule(0.4))
      }
    }
  }

  // MARK: - Key

  /// Which runs the pictures are of, and what hatching means.
  private var note: String {
    let isNothing = sheet.panels.joined().contains { panel in
      if case .nothing = panel { true } else { false }
    }
    let facts = [
      sheet.showsDifferences
        ? "What a word lost lies over the picture of \(sheet.baseline), what it gained over "
          + "the other one." : "",
      PictureBox.note(sheet.boxes.joined().flatMap(\.self)),
      sheet.showsPredictions ? "Pictures: what the step predicts, decoded." : "",
      isNothing ? "Hatched: not recorded." : "",
    ]
    return (facts + sheet.warnings).filter { !$0.isEmpty }.joined(separator: " ")
  }
}
