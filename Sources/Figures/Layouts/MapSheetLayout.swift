internal import Pictures

extension MapSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Returns: The scene; its warnings name characters that the fonts lack.
  /// - Throws: ``FigureError`` if the width is too small, or a font is missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try style.maps.validate(isDifference: showsDifferences)
    return try style.page { width, builder in
      try MapSheetLayout(sheet: self, width: width, style: style.maps).scene(builder)
    }
  }
}

/// Places the panels of a ``MapSheet`` in bands: columns that do not fit continue below.
struct MapSheetLayout {
  private static let smallestPanel = 30.0
  private static let largestPanel = 96.0
  private static let headingHeight = 9.0
  private static let type = SceneBuilder.TextStyle(size: 6.5)

  let sheet: MapSheet
  let width: Double
  let style: MapStyle
  let scale: ValueScale

  init(sheet: MapSheet, width: Double, style: MapStyle) {
    self.sheet = sheet
    self.width = width
    self.style = sheet.showsDifferences ? style.forDifferences : style
    scale = self.style.scale(of: sheet.scaleMaps, isDifference: sheet.showsDifferences)
  }

  private var inner: Double { width - 2 * Metrics.margin }

  /// Facets of rows or of columns that have one value say nothing in a heading.
  private func shown(_ headings: [MapSheet.Heading]) -> [Int] {
    let places = (headings.first?.facets.indices).map(Array.init) ?? []
    let varying = places.filter { place in Set(headings.map { $0.values[place] }).count > 1 }
    return varying.isEmpty ? places.suffix(1) : varying
  }

  func scene(_ builder: SceneBuilder) throws -> Scene {
    var builder = builder
    let gutter = gutterWidth(builder)
    let room = inner - gutter
    guard room >= Self.smallestPanel else {
      throw FigureError.tooNarrow(
        width: width, needed: (gutter + Self.smallestPanel + 2 * Metrics.margin).rounded(.up))
    }
    let perBand = columnsOfBand(
      most: Int((room + Metrics.panelGap) / (Self.smallestPanel + Metrics.panelGap)))
    let panel = min(
      (room - Metrics.panelGap * Double(perBand - 1)) / Double(perBand), Self.largestPanel)
    var bottom = builder.group("prompt") {
      $0.prompt(sheet.prompt, margin: Metrics.margin, width: inner)
    }
    if !common.isEmpty {
      builder.text(
        common, x: Metrics.margin, y: bottom + 5.4, builder.secondary(7), width: inner)
      bottom += 10
    }
    if let frame = sheet.frame { bottom = draw(frame, y: bottom, &builder) }
    for first in stride(from: 0, to: sheet.columns.count, by: perBand) {
      let columns = first..<min(first + perBand, sheet.columns.count)
      let x = Metrics.margin + gutter
      bottom = drawHeadings(columns, x: x, y: bottom, panel: panel, &builder)
      for row in sheet.rows.indices {
        bottom = drawRow(row, columns, x: x, y: bottom, panel: panel, &builder)
      }
      bottom += 5
    }
    bottom = builder.group("key") { drawKey(y: bottom, &$0) }
    return builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
  }

  /// How many columns each band has, `most` at most: columns under one outer heading stay together
  /// where that is possible.
  private func columnsOfBand(most: Int) -> Int {
    let groups = spans(sheet.columns.indices, of: shown(sheet.columns).prefix(1)).map(\.count)
    let unit = Set(groups).count == 1 && groups[0] <= most ? groups[0] : 1
    let (units, mostUnits) = (sheet.columns.count / unit, most / unit)
    let bands = (units + mostUnits - 1) / mostUnits
    return (units + bands - 1) / bands * unit
  }

  /// What all maps have in common and no heading says, as in `seed 1, cat`.
  private var common: String {
    let said = facets(sheet.rows) + facets(sheet.columns) + (sheet.frame == nil ? [] : [.step])
    return MapSheetPlan.Facet.allCases.filter { !said.contains($0) }
      .compactMap { sheet.common[$0] }.joined(separator: ", ")
  }

  /// The facets that headings say.
  private func facets(_ headings: [MapSheet.Heading]) -> [MapSheetPlan.Facet] {
    shown(headings).compactMap { headings.first?.facets[$0] }
  }

  private var caption: String {
    let names = { facets($0).map(\.rawValue).joined(separator: " and ") }
    return Scene.caption(
      sheet.prompt,
      "maps by \(names(sheet.rows)) (down) and \(names(sheet.columns)) (across)"
        + (common.isEmpty ? "" : " of \(common)"),
      quantity: sheet.quantity, scale: scale, style: style,
      strip: sheet.showsDifferences ? "the largest difference" : "the largest value")
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

  // MARK: - Headings

  /// Room for the rows' names: the widest, at most a quarter of the page.
  private func gutterWidth(_ builder: SceneBuilder) -> Double {
    let places = shown(sheet.rows)
    let widest =
      sheet.rows.flatMap { row in
        places.map { builder.width(of: row.labels[$0], Self.type) }
      }.max() ?? 0
    return min(widest + 4, inner / 4)
  }

  /// A line for each facet, the outer ones over all the columns they hold.
  private func drawHeadings(
    _ columns: Range<Int>, x: Double, y: Double, panel: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let places = shown(sheet.columns)
    var top = y
    for (level, place) in places.enumerated() {
      for span in spans(columns, of: places.prefix(level + 1)) {
        let left = x + Double(span.lowerBound - columns.lowerBound) * (panel + Metrics.panelGap)
        let wide = Double(span.count) * (panel + Metrics.panelGap) - Metrics.panelGap
        builder.text(
          sheet.columns[span.lowerBound].labels[place], x: left + wide / 2, y: top + 6.6,
          Self.type, .center, width: wide)
        if level < places.count - 1 {
          builder.line(
            [Scene.Point(left, top + 9), Scene.Point(left + wide, top + 9)],
            builder.rule(0.4))
        }
      }
      top += Self.headingHeight + (level < places.count - 1 ? 1.5 : 0)
    }
    let type = builder.secondary(6)
    for column in columns where !sheet.columns[column].detail.isEmpty {
      let center = x + Double(column - columns.lowerBound) * (panel + Metrics.panelGap) + panel / 2
      builder.text(
        sheet.columns[column].detail, x: center, y: top + 5, type, .center, width: panel)
    }
    return columns.contains { !sheet.columns[$0].detail.isEmpty } ? top + 7.5 : top
  }

  /// Neighbouring columns whose headings agree at `places`.
  private func spans(_ columns: Range<Int>, of places: ArraySlice<Int>) -> [Range<Int>] {
    var spans: [Range<Int>] = []
    for column in columns {
      func heading(_ index: Int) -> [String] { places.map { sheet.columns[index].labels[$0] } }
      if let last = spans.last, heading(last.lowerBound) == heading(column) {
        spans[spans.count - 1] = last.lowerBound..<(column + 1)
      } else {
        spans.append(column..<(column + 1))
      }
    }
    return spans
  }

  // MARK: - Rows

  private func drawRow(
    _ row: Int, _ columns: Range<Int>, x: Double, y: Double, panel: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    let height = columns.map { panelHeight(row, $0, width: panel) }.max() ?? panel
    let heading = sheet.rows[row]
    builder.group(heading.labels.joined(separator: ", ")) { builder in
      let places = shown(sheet.rows)
      for (line, place) in places.enumerated() {
        builder.text(
          heading.labels[place], x: Metrics.margin, y: y + 7 + 8 * Double(line), Self.type,
          width: x - Metrics.margin - 3)
      }
      for column in columns {
        let left = x + Double(column - columns.lowerBound) * (panel + Metrics.panelGap)
        let frame = Scene.Rect(
          x: left, y: y, width: panel, height: panelHeight(row, column, width: panel))
        draw(row, column, in: frame, &builder)
      }
    }
    let names = 8 * Double(shown(sheet.rows).count) + 2
    return y + max(height + Metrics.rowPitch, names)
  }

  /// A panel has its picture's shape.
  private func panelHeight(_ row: Int, _ column: Int, width: Double) -> Double {
    guard let picture = sheet.pictures[row][column] else { return width }
    return width * Double(picture.height) / Double(picture.width)
  }

  private func draw(
    _ row: Int, _ column: Int, in frame: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    let name = sheet.columns[column].labels.joined(separator: ", ")
    builder.group(name) { builder in
      let picture = sheet.pictures[row][column]
      switch (sheet.panels[row][column], picture) {
      case (.map(let map), let picture?):
        MapPanel(
          map: map, image: picture, shared: scale, style: style,
          isDifference: sheet.showsDifferences
        ).draw(in: frame, &builder)
      case (.picture, let picture?):
        builder.add(.image(picture, frame))
        builder.rectangle(frame, stroke: builder.rule(0.4))
      default:
        MapPanel.hatch(frame, &builder)
        builder.rectangle(frame, stroke: builder.rule(0.4))
      }
    }
  }

  // MARK: - Key

  private func drawKey(y: Double, _ builder: inout SceneBuilder) -> Double {
    MapKey(maps: sheet.scaleMaps, quantity: sheet.quantity, scale: scale, style: style, note: note)
      .draw(x: Metrics.margin, y: y, width: inner, &builder)
  }

  /// Which runs the pictures are of, and what hatching means.
  private var note: String {
    let isNothing = sheet.panels.joined().contains { panel in
      if case .nothing = panel { true } else { false }
    }
    return [
      sheet.showsDifferences ? "Pictures are those of the guided runs." : "",
      isNothing ? "Hatched: not recorded." : "",
    ].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
