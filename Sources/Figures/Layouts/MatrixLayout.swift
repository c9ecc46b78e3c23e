internal import AttentionAnalysis
internal import AttentionTrace
package import Drawing

extension MatrixSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try style.pages { page, builder in
      try MatrixLayout(sheet: self, page: page, style: style.maps.forAreas, builder).pages(builder)
    }
  }
}

/// Places the matrices of a ``MatrixSheet`` side by side, each cell with its number where it fits.
struct MatrixLayout {
  private static let type = SceneBuilder.TextStyle(size: 6.5)
  private static let title = SceneBuilder.TextStyle(size: 8)
  private static let pitch = 7.6
  private static let cellRange = 7.5...44.0
  /// The largest cell where only larger ones fill the width.
  private static let largestCell = 70.0
  /// The narrowest cell that holds a number of two decimals.
  private static let numberedCell = 14.5
  /// The least room for the key beside the matrices.
  private static let leastKey = 110.0

  /// A matrix's own lengths.
  private struct Shape {
    /// Room for the words left of the cells.
    let names: Double
    let cell: Double
  }

  let sheet: MatrixSheet
  let page: PageSize
  let style: MapStyle
  let scale = ValueScale(covering: [AttentionMap(grid: Grid(rows: 1, columns: 1), values: [1])])
  private let shape: Shape
  private let perRow: Int
  /// The width of the key beside the matrices; `nil` for one below.
  private let keyWidth: Double?
  /// The height of the words above the cells.
  private let heads: Double

  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  init(sheet: MatrixSheet, page: PageSize, style: MapStyle, _ builder: SceneBuilder) throws {
    (self.sheet, self.page, self.style) = (sheet, page, style)
    let count = Double(sheet.words.count)
    guard let widest = Self.shape(sheet.words, room: page.inner, builder) else {
      var needed = page.inner
      while Self.shape(sheet.words, room: needed, builder) == nil { needed *= 1.05 }
      throw FigureError.tooNarrow(
        width: page.width, needed: (needed + 2 * Metrics.margin).rounded(.up))
    }
    // As many beside each other as have cells with numbers, or as large as the widest one's.
    var (most, shape) = (1, widest)
    for blocks in stride(from: 2, through: sheet.matrices.count, by: 1) {
      let room = (page.inner - Metrics.blockGap * Double(blocks - 1)) / Double(blocks)
      guard let next = Self.shape(sheet.words, room: room, builder),
        next.cell >= min(Self.numberedCell, widest.cell)
      else { break }
      (most, shape) = (blocks, next)
    }
    perRow = most
    let block = shape.names + shape.cell * count
    let used = block * Double(most) + Metrics.blockGap * Double(most - 1)
    let left = page.inner - used - Metrics.blockGap
    keyWidth = left >= Self.leastKey ? left : nil
    if keyWidth == nil {
      // What is left of the width, too little for the key, makes the cells larger.
      let cell = shape.cell + (page.inner - used) / (count * Double(most))
      shape = Shape(names: shape.names, cell: min(cell, Self.largestCell))
    }
    self.shape = shape
    heads =
      sheet.words.flatMap { word in
        Self.columnLines(word, cell: shape.cell, builder).map { builder.width(of: $0, Self.type) }
      }.max() ?? 0
  }

  /// The largest cells in a block of `room`, and the room for the words beside them, each in no more lines
  /// than a cell is high; `nil` if there are none.
  private static func shape(_ words: [String], room: Double, _ builder: SceneBuilder) -> Shape? {
    let widest = words.map { builder.width(of: $0, type) }.max() ?? 0
    let whole = words.map { builder.unbreakableWidth(of: $0, type) }.max() ?? 0
    var best: Shape?
    for names in [widest, whole] + stride(from: 20.0, to: max(20, min(widest, room)), by: 6) {
      let cell = min((room - names - 3) / Double(words.count), cellRange.upperBound)
      guard cell >= cellRange.lowerBound else { continue }
      let most = max(1, Int(cell / pitch))
      let fits = words.allSatisfy { builder.lines($0, width: names + 0.01, type).count <= most }
      // Words are broken only where there is no other way.
      let isBetter = best.map { cell > $0.cell && names >= whole } ?? true
      if fits && isBetter { best = Shape(names: names + 3, cell: cell) }
    }
    return best
  }

  /// A word above a column in lines that run upwards, as many as the column is wide.
  private static func columnLines(
    _ word: String, cell: Double, _ builder: SceneBuilder
  ) -> [String] {
    let most = max(1, Int(cell / 8.2))
    let whole = builder.width(of: word, type) + 0.01
    let lengths = stride(from: 44.0, to: max(44, whole), by: 8)
    let length = lengths.first { builder.lines(word, width: $0, type).count <= most } ?? whole
    return builder.lines(word, width: max(length, min(whole, 44)), type)
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = builder.head(sheet.prompt, width: page.inner)
    let key = builder.part { builder in
      let width = keyWidth ?? page.inner
      let bar = builder.group("color bar") {
        ColorBar(scale: scale, style: style, caption: sheet.quantity)
          .draw(x: Metrics.margin, y: 0, width: min(width, MapKey.barWidth), &$0)
      }
      guard builder.words.note, !sheet.warnings.isEmpty else { return bar }
      return builder.paragraph(
        sheet.warnings.joined(separator: " "), x: Metrics.margin, y: bar + 2, width: width,
        builder.secondary(6), baseline: 5.8, pitch: 7.4)
    }
    let lines = stride(from: 0, to: sheet.matrices.count, by: perRow).map { first in
      PageStack.Line(
        part: builder.part { builder in
          let bottom = draw(first..<min(first + perRow, sheet.matrices.count), &builder)
          guard let keyWidth else { return bottom }
          return max(bottom, builder.place(key, x: page.inner - keyWidth, y: 10 + heads))
        })
    }
    return try PageStack(
      page: page, head: head, key: keyWidth == nil ? key : .empty, metadata: sheet.metadata,
      caption: caption
    ).scenes(lines, builder)
  }

  /// Draws matrices beside each other, and returns their bottom.
  private func draw(_ matrices: Range<Int>, _ builder: inout SceneBuilder) -> Double {
    let block = shape.names + shape.cell * Double(sheet.words.count)
    let room =
      keyWidth == nil
      ? (page.inner - Metrics.blockGap * Double(perRow - 1)) / Double(perRow) : block
    let titles = matrices.map { builder.lines(title(of: $0), width: room, Self.title) }
    let top = Double(titles.map(\.count).max() ?? 1) * 9.5 + 1
    for (place, index) in matrices.enumerated() {
      let x = Metrics.margin + Double(place) * (room + Metrics.blockGap)
      builder.group(sheet.matrices[index].title) { builder in
        for (number, line) in titles[place].enumerated() {
          builder.text(line, x: x, y: 7 + Double(number) * 9.5, Self.title)
        }
        drawCells(sheet.matrices[index], x: x, y: top, &builder)
      }
    }
    return top + heads + 3 + shape.cell * Double(sheet.words.count) + 8
  }

  private func title(of index: Int) -> String {
    let matrix = sheet.matrices[index]
    return matrix.title + (matrix.seeds > 1 ? ", mean of \(matrix.seeds) seeds" : "")
  }

  private func drawCells(
    _ matrix: MatrixSheet.Matrix, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    let (count, cell) = (sheet.words.count, shape.cell)
    let frame = Scene.Rect(
      x: x + shape.names, y: y + heads + 3, width: cell * Double(count),
      height: cell * Double(count))
    for (index, word) in sheet.words.enumerated() {
      let middle = (Double(index) + 0.5) * cell
      let lines = builder.lines(word, width: shape.names - 2.99, Self.type)
      let top = frame.y + middle - Double(lines.count) * Self.pitch / 2
      for (number, line) in lines.enumerated() {
        builder.text(
          line, x: frame.x - 3, y: top + 5.9 + Double(number) * Self.pitch, Self.type, .trailing)
      }
      let heads = Self.columnLines(word, cell: cell, builder)
      let wide = heads.reduce(0) { $0 + builder.verticalWidth($1, height: .infinity, Self.type) }
      var left = frame.x + middle - wide / 2
      for line in heads {
        left = builder.verticalParagraph(
          line, x: left, y: frame.y - 2, height: .infinity, Self.type, .leading)
      }
    }
    drawCells(matrix, frame, cell: cell, &builder)
  }

  private func drawCells(
    _ matrix: MatrixSheet.Matrix, _ frame: Scene.Rect, cell: Double,
    _ builder: inout SceneBuilder
  ) {
    let fills = matrix.values.map {
      $0.isFinite ? style.colors.color(at: scale.fraction(of: $0)) : nil
    }
    let count = sheet.words.count
    for (index, fill) in fills.enumerated() {
      let square = Scene.Rect(
        x: frame.x + Double(index % count) * cell, y: frame.y + Double(index / count) * cell,
        width: cell, height: cell)
      guard let fill else {
        MapPanel.hatch(square, &builder)
        continue
      }
      builder.rectangle(square, fill: fill)
      if cell >= Self.numberedCell {
        builder.text(
          NumberText.tick(matrix.values[index], step: 0.01), x: square.x + cell / 2,
          y: square.y + cell / 2 + 2.2, .init(size: 6, color: fill.textColor), .center)
      }
    }
    builder.rectangle(frame, stroke: builder.rule(0.4))
  }

  private var caption: FigureCaption {
    let methods = sheet.matrices.map { matrix in
      matrix.title + (matrix.seeds > 1 ? " (mean of \(matrix.seeds) seeds)" : "")
    }
    return FigureCaption(
      prompt: sheet.prompt,
      shown: "\(sheet.quantity); \(methods.joined(separator: ", ")). "
        + "0: the maps of two words are disjoint; 1: they are equal.",
      note: sheet.warnings.joined(separator: " "))
  }
}
