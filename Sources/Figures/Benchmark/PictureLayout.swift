package import Drawing
internal import Pictures

extension PictureSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    guard length > 0 else { throw FigureError.inconsistentSheet("no picture to show") }
    return try style.pages { page, builder in
      try PictureLayout(sheet: self, page: page, builder).pages(builder)
    }
  }
}

/// Places the pictures of a ``PictureSheet``: blocks beside each other where their pictures would be too
/// large, and pictures of a row that do not fit below.
struct PictureLayout {
  private static let title = SceneBuilder.TextStyle(size: 7.5)
  private static let type = SceneBuilder.TextStyle(size: 6.5)
  private static let titlePitch = 9.0
  private static let typePitch = 7.6
  /// The narrowest picture, and the widest before blocks stand beside each other.
  private static let (least, comfortable) = (26.0, 62.0)
  /// The most of the width that names of rows take, unless a word is wider.
  private static let nameShare = 0.2

  /// The sheet; turned where its rows have one picture each.
  let sheet: PictureSheet
  let page: PageSize
  /// Blocks beside each other.
  private let beside: Int
  private let blockWidth: Double
  /// Room left of the pictures for the names of rows.
  private let gutter: Double
  /// The width of a picture.
  private let panel: Double
  /// The columns of each band of a block.
  private let bands: [Range<Int>]

  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  init(sheet: PictureSheet, page: PageSize, _ builder: SceneBuilder) throws {
    let hasRows = (sheet.blocks.first?.rows.count ?? 0) > 1
    let sheet = sheet.length == 1 && hasRows ? sheet.turned : sheet
    (self.sheet, self.page) = (sheet, page)
    let names = sheet.blocks.flatMap(\.rows).map(\.label)
    let count = sheet.length
    // Blocks beside each other share the names of their rows.
    let widest = names.map { builder.width(of: $0, Self.type) }.max() ?? 0
    let unbroken = names.map { builder.unbreakableWidth(of: $0, Self.type) }.max() ?? 0
    let name = min(widest, max(unbroken, page.inner * Self.nameShare))
    let gutter = name > 0 ? name + 4 : 0
    func measures(_ beside: Int) -> (width: Double, panel: Double, perBand: Int) {
      let width =
        (page.inner - gutter - Metrics.blockGap * Double(beside - 1)) / Double(beside)
      let most = max(1, Int((width + Metrics.panelGap) / (Self.least + Metrics.panelGap)))
      let perBand = Self.perBand(count, most: most)
      let panel = (width - Metrics.panelGap * Double(perBand - 1)) / Double(perBand)
      return (width, panel, perBand)
    }
    var beside = 1
    while beside < sheet.blocks.count, measures(beside).panel > Self.comfortable,
      measures(beside + 1).panel >= Self.least, measures(beside + 1).perBand == count
    { beside += 1 }
    // As many in every row of blocks as there are in the fullest.
    let blocks = sheet.blocks.count
    beside = (blocks + (blocks + beside - 1) / beside - 1) / ((blocks + beside - 1) / beside)
    let chosen = measures(beside)
    guard chosen.panel >= Metrics.smallestPanel else {
      let needed = gutter + Metrics.smallestPanel + 2 * Metrics.margin
      throw FigureError.tooNarrow(width: page.width, needed: needed.rounded(.up))
    }
    (self.beside, blockWidth, self.gutter) = (beside, chosen.width, gutter)
    panel = min(chosen.panel, max(Self.room(page) / 2, Self.least) / sheet.shape)
    bands = stride(from: 0, to: count, by: chosen.perBand).map {
      $0..<min($0 + chosen.perBand, count)
    }
  }

  /// The height that pictures have on a page with prompt, titles and note.
  private static func room(_ page: PageSize) -> Double { page.usableHeight * 0.8 - 40 }

  /// How many of `count` pictures stand in a band, `most` at most: a number that leaves no band short, where
  /// one is near.
  private static func perBand(_ count: Int, most: Int) -> Int {
    guard count > most else { return count }
    let bands = (count + most - 1) / most
    let least = (count + bands - 1) / bands
    let whole = (max(1, most * 2 / 3)...most).last { count.isMultiple(of: $0) }
    return whole ?? least
  }

  private var rows: Int { sheet.blocks.first?.rows.count ?? 0 }

  /// From one row to the next.
  private func pitch(_ row: Int, _ builder: SceneBuilder) -> Double {
    let names = sheet.blocks.map { lines(of: $0.rows[row], builder).count }.max() ?? 0
    return max(panel * sheet.shape, Double(names) * Self.typePitch) + Metrics.panelGap
  }

  /// The name of a row in its lines.
  private func lines(of row: PictureSheet.Row, _ builder: SceneBuilder) -> [String] {
    row.label.isEmpty ? [] : builder.lines(row.label, width: gutter - 3.99, Self.type)
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = builder.head(sheet.prompt.isEmpty ? nil : sheet.prompt, width: page.inner)
    let key = builder.part { builder in
      let note = note
      guard builder.words.note, !note.isEmpty else { return 0 }
      return builder.group("key") {
        $0.paragraph(
          note, x: Metrics.margin, y: 2, width: page.inner, $0.secondary(6), baseline: 5.8,
          pitch: 7.4)
      }
    }
    var lines: [PageStack.Line] = []
    for first in stride(from: 0, to: sheet.blocks.count, by: beside) {
      let blocks = first..<min(first + beside, sheet.blocks.count)
      let titles = builder.part { drawTitles(blocks, &$0) }
      for (place, band) in bands.enumerated() {
        let names = builder.part { drawHeadings(blocks, band, &$0) }
        for row in 0..<rows {
          let pictures = builder.part { builder in
            draw(blocks, row, band, &builder)
            let isLast = row == rows - 1 && place == bands.count - 1
            return pitch(row, builder) + (isLast ? 4 : row == rows - 1 && rows > 1 ? 2 : 0)
          }
          // The columns' names stand above the first row of a band, and above what begins a page.
          lines.append(
            row == 0
              ? PageStack.Line(
                part: names.above(pictures), heading: titles, beginsSection: place == 0)
              : PageStack.Line(part: pictures, heading: titles.above(names)))
        }
      }
    }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata,
      caption: FigureCaption(prompt: sheet.prompt, shown: sheet.shown, note: note)
    ).scenes(lines, builder)
  }

  private var note: String {
    [sheet.note, sheet.isMissingAny ? "Struck through: no complete run." : ""]
      .filter { !$0.isEmpty }.joined(separator: " ")
  }

  private func left(_ place: Int) -> Double {
    Metrics.margin + gutter + Double(place) * (blockWidth + Metrics.blockGap)
  }

  private func drawTitles(_ blocks: Range<Int>, _ builder: inout SceneBuilder) -> Double {
    var bottom = 0.0
    for (place, block) in blocks.enumerated() {
      let end = builder.paragraph(
        sheet.blocks[block].title, x: left(place), y: 0, width: blockWidth, Self.title,
        baseline: 7, pitch: Self.titlePitch)
      bottom = max(bottom, end)
    }
    return bottom + 1
  }

  /// The names of the columns above each block.
  private func drawHeadings(
    _ blocks: Range<Int>, _ band: Range<Int>, _ builder: inout SceneBuilder
  ) -> Double {
    guard !sheet.columns.isEmpty else { return 0 }
    var bottom = 0.0
    for place in blocks.indices.map({ $0 - blocks.lowerBound }) {
      let labels = band.map { ColumnLabels.Label(name: sheet.columns[$0]) }
      let centers = band.map { center($0, band, place) }
      bottom = ColumnLabels(labels, width: panel, builder).draw(
        centers: centers, y: 0, &builder)
    }
    return bottom
  }

  private func center(_ column: Int, _ band: Range<Int>, _ place: Int) -> Double {
    left(place) + Double(column - band.lowerBound) * (panel + Metrics.panelGap) + panel / 2
  }

  /// A row of each of the blocks beside each other.
  private func draw(
    _ blocks: Range<Int>, _ row: Int, _ band: Range<Int>, _ builder: inout SceneBuilder
  ) {
    let height = panel * sheet.shape
    for (place, block) in blocks.enumerated() {
      let shown = sheet.blocks[block].rows[row]
      builder.group("\(sheet.blocks[block].title), \(shown.label)") { builder in
        if place == 0 { drawName(of: shown, height: height, &builder) }
        for column in band {
          let frame = Scene.Rect(
            x: center(column, band, place) - panel / 2, y: 0, width: panel, height: height)
          draw(shown.pictures[column], in: frame, &builder)
        }
      }
    }
  }

  private func drawName(
    of row: PictureSheet.Row, height: Double, _ builder: inout SceneBuilder
  ) {
    let lines = lines(of: row, builder)
    let top = max(0, (height - Double(lines.count) * Self.typePitch) / 2)
    for (number, line) in lines.enumerated() {
      builder.text(
        line, x: Metrics.margin, y: top + Double(number) * Self.typePitch + 6, Self.type)
    }
  }

  private func draw(
    _ picture: Picture?, in frame: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    guard let picture else {
      MapPanel.hatch(frame, &builder)
      builder.rectangle(frame, stroke: builder.rule(0.4))
      return
    }
    let shown = frame.inscribed(picture)
    builder.add(.image(picture, shown))
  }
}
