internal import AttentionAnalysis
package import Drawing

extension ScoreSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    guard !isEmpty else {
      throw FigureError.inconsistentSheet("no score of a method to show")
    }
    return try style.pages { page, builder in
      try ScoreLayout(sheet: self, page: page, builder).pages(builder)
    }
  }
}

/// Places the charts of a ``ScoreSheet``: a row for each score, in it a chart for each subset, and subsets that
/// do not fit below.
struct ScoreLayout {
  private static let title = SceneBuilder.TextStyle(size: 7, isBold: true)
  private static let gap = 7.0
  private static let plotHeight = 62.0

  let sheet: ScoreSheet
  let page: PageSize
  /// Room left of the first chart of a row.
  private let gutter: Double
  /// Charts beside each other.
  private let perRow: Int

  /// - Throws: ``FigureError/tooNarrow(width:needed:)`` if the bars of one chart are too many.
  init(sheet: ScoreSheet, page: PageSize, _ builder: SceneBuilder) throws {
    let gutter = sheet.scores.map { BarChart.labelWidth($0.axis, builder) }.max() ?? 0
    let least = max(30, Double(sheet.methods.count) * BarChart.leastBar)
    try page.require(max(gutter + least, Metrics.smallestBlock / 2))
    let most = Int((page.inner - gutter + Self.gap) / (least + Self.gap))
    // As many in every row as there are in the fullest.
    let rows = (sheet.subsets.count + most - 1) / most
    (self.sheet, self.page, self.gutter) = (sheet, page, gutter)
    perRow = (sheet.subsets.count + rows - 1) / rows
  }

  /// The width of each of `count` charts that fill a row.
  private func chartWidth(_ count: Int) -> Double {
    (page.inner - gutter - Self.gap * Double(count - 1)) / Double(count)
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    let head = builder.head(words: "\(sheet.suite), \(sheet.model)", width: page.inner)
    let key = builder.part { builder in builder.group("key") { drawKey(&$0) } }
    let fills = BarFill.fills(arePlain: sheet.methods.map(\.isPlain))
    let lines = sheet.scores.indices.flatMap { score in
      stride(from: 0, to: sheet.subsets.count, by: perRow).map { first in
        let subsets = first..<min(first + perRow, sheet.subsets.count)
        return PageStack.Line(
          part: builder.part { draw(score, subsets, fills, &$0) })
      }
    }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata, caption: caption
    ).scenes(lines, builder)
  }

  /// A score's charts beside each other; returns their bottom.
  private func draw(
    _ score: Int, _ subsets: Range<Int>, _ fills: [BarFill], _ builder: inout SceneBuilder
  ) -> Double {
    let (one, width) = (sheet.scores[score], chartWidth(subsets.count))
    func left(_ place: Int) -> Double {
      Metrics.margin + gutter + Double(place) * (width + Self.gap)
    }
    return builder.group("score \(one.title)") { builder in
      var top = builder.paragraph(
        one.title, x: Metrics.margin, y: 0, width: page.inner, Self.title, baseline: 6.6, pitch: 8)
      let labels = subsets.map {
        ColumnLabels.Label(
          name: sheet.subsets[$0].name, detail: "n = \(sheet.subsets[$0].count)")
      }
      top =
        ColumnLabels(labels, width: width, builder).draw(
          centers: labels.indices.map { left($0) + width / 2 }, y: top + 1, &builder)
        + BarChart.topMargin
      for (place, subset) in subsets.enumerated() {
        builder.group("chart \(sheet.subsets[subset].name)") {
          BarChart(
            plot: Scene.Rect(x: left(place), y: top, width: width, height: Self.plotHeight),
            axis: one.axis, bars: one.means[subset], fills: fills, bound: one.bounds[subset],
            isLabelled: place == 0
          ).draw(&$0)
        }
      }
      return top + Self.plotHeight + BarChart.bottomMargin + 3
    }
  }

  private func drawKey(_ builder: inout SceneBuilder) -> Double {
    let fills = BarFill.fills(arePlain: sheet.methods.map(\.isPlain))
    var entries = zip(sheet.methods, fills).enumerated().map { index, pair in
      Legend.bar(pair.1, "\(index + 1) \(pair.0.title)")
    }
    if hasBounds { entries.append(Legend.bound(sheet.bound)) }
    let bottom = Legend(entries: entries).draw(
      x: Metrics.margin, y: 0, width: page.inner, &builder)
    guard builder.words.note else { return bottom }
    return builder.paragraph(
      note, x: Metrics.margin, y: bottom + 2, width: page.inner, builder.secondary(6),
      baseline: 5.8, pitch: 7.4)
  }

  private var hasBounds: Bool {
    sheet.scores.contains { $0.bounds.contains { $0?.estimate.isFinite == true } }
  }

  private var isMissing: Bool {
    sheet.scores.contains { $0.means.joined().contains { !$0.estimate.isFinite } }
  }

  private var note: String {
    var sentences = [
      "Bars: means over pictures; lines on them: 95 % bootstrap intervals over prompts and seeds, "
        + "clustered by prompt, where there are two prompts or more. n: scored pictures of each method."
    ]
    for score in sheet.scores where score.axis.origin != 0 {
      let axis = score.axis
      sentences.append(
        "Bars of \(score.title) begin at \(NumberText.tick(axis.origin, step: axis.labels.step)), "
          + "not at 0: compare their ends, not their lengths.")
    }
    if hasBounds {
      sentences.append("Dashed: \(sheet.bound), with its interval as a band.")
    }
    if isMissing { sentences.append("A cross: not scored.") }
    return sentences.joined(separator: " ")
  }

  private var caption: FigureCaption {
    FigureCaption(
      shown: "\(FigureCaption.series(sheet.scores.map(\.title))) of pictures by "
        + "\(FigureCaption.series(sheet.methods.map(\.title))) for the prompts of \(sheet.suite) "
        + "(\(FigureCaption.series(sheet.subsets.map(\.name)))), made with \(sheet.model).",
      note: note)
  }
}

extension Legend {
  /// A bar's fill.
  fileprivate static func bar(_ fill: BarFill, _ name: String) -> Entry {
    Entry(name: name) { place, builder in
      fill.draw(
        Scene.Rect(x: place.x + 3, y: place.y - 3.5, width: sampleWidth - 6, height: 7), &builder)
    }
  }

  /// The line of what cannot be expected to be passed.
  fileprivate static func bound(_ name: String) -> Entry {
    Entry(name: name) { place, builder in
      builder.line(
        [place, Scene.Point(place.x + sampleWidth, place.y)],
        BarChart.boundStroke(builder.theme))
    }
  }
}
