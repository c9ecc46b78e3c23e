internal import AttentionAnalysis
internal import AttentionTrace

extension MatrixSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Throws: ``FigureError`` if the width is too small, or a font is missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try style.page { width, builder in
      try MatrixLayout(sheet: self, width: width, style: style.maps).scene(builder)
    }
  }
}

/// Places the matrices of a ``MatrixSheet`` side by side, each cell with its number where it fits.
struct MatrixLayout {
  private static let type = SceneBuilder.TextStyle(size: 6.5)
  private static let cellRange = 7.5...24.0
  /// The narrowest cell that holds a number of two decimals.
  private static let numberedCell = 14.5

  let sheet: MatrixSheet
  let width: Double
  let style: MapStyle
  let scale = ValueScale(covering: [AttentionMap(grid: Grid(rows: 1, columns: 1), values: [1])])

  func scene(_ builder: SceneBuilder) throws -> Scene {
    var builder = builder
    let inner = width - 2 * Metrics.margin
    let names = min(
      (sheet.words.map { builder.width(of: $0, Self.type) }.max() ?? 0) + 3, inner / 4)
    let count = Double(sheet.words.count)
    let needed = names + Self.cellRange.lowerBound * count
    guard inner >= needed else {
      throw FigureError.tooNarrow(width: width, needed: (needed + 2 * Metrics.margin).rounded(.up))
    }
    let perRow = max(
      1, min(sheet.matrices.count, Int((inner + Metrics.blockGap) / (needed + Metrics.blockGap))))
    let block = (inner - Metrics.blockGap * Double(perRow - 1)) / Double(perRow)
    let cell = min((block - names) / count, Self.cellRange.upperBound)
    var bottom = builder.group("prompt") {
      $0.prompt(sheet.prompt, margin: Metrics.margin, width: inner)
    }
    for first in stride(from: 0, to: sheet.matrices.count, by: perRow) {
      for index in first..<min(first + perRow, sheet.matrices.count) {
        let x = Metrics.margin + Double(index - first) * (block + Metrics.blockGap)
        draw(
          sheet.matrices[index], x: x, y: bottom, block: block, names: names, cell: cell, &builder)
      }
      bottom += 10 + names + cell * count + 8
    }
    bottom = builder.group("color bar") {
      ColorBar(scale: scale, style: style, caption: sheet.quantity)
        .draw(x: Metrics.margin, y: bottom, width: min(inner, 250), &$0)
    }
    return builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
  }

  private func draw(
    _ matrix: MatrixSheet.Matrix, x: Double, y: Double, block: Double, names: Double, cell: Double,
    _ builder: inout SceneBuilder
  ) {
    let count = sheet.words.count
    let frame = Scene.Rect(
      x: x + names, y: y + 10 + names, width: cell * Double(count), height: cell * Double(count))
    builder.group(matrix.title) { builder in
      let seeds =
        matrix.seeds > 1 ? [", mean of \(matrix.seeds) seeds", ", n = \(matrix.seeds)"] : [""]
      let titles = seeds.map { matrix.title + $0 }
      let title = titles.first { builder.width(of: $0, .init(size: 8)) <= block }
      builder.text(
        title ?? titles[titles.count - 1], x: x, y: y + 7, .init(size: 8),
        width: block)
      for (index, word) in sheet.words.enumerated() {
        let middle = (Double(index) + 0.5) * cell
        builder.text(
          word, x: frame.x - 3, y: frame.y + middle + 2.3, Self.type, .trailing,
          width: names - 3)
        builder.verticalText(
          word, x: frame.x + middle + 2.3, y: frame.y - 2 - (names - 3) / 2, Self.type,
          height: names - 3)
      }
      drawCells(matrix, frame, cell: cell, &builder)
    }
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

  private var caption: String {
    let methods = sheet.matrices.map { matrix in
      matrix.title + (matrix.seeds > 1 ? " (mean of \(matrix.seeds) seeds)" : "")
    }
    return "“\(sheet.prompt)”: \(sheet.quantity); \(methods.joined(separator: ", ")). "
      + "0: the maps of two words are disjoint; 1: they are equal."
  }
}
