internal import AttentionAnalysis
package import Drawing

extension AblationSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    guard !isEmpty else {
      throw FigureError.inconsistentSheet("no score of a varied knob to show")
    }
    return try style.pages { page, builder in
      try AblationLayout(sheet: self, page: page).pages(builder)
    }
  }
}

/// Places the charts of an ``AblationSheet``: the scores of a knob beside each other, or below where the page
/// is narrow.
struct AblationLayout {
  private static let leastChart = 108.0
  private static let plotHeight = 48.0
  private static let gap = 9.0

  let sheet: AblationSheet
  let page: PageSize

  private var perRow: Int {
    let most = max(1, Int((page.inner + Self.gap) / (Self.leastChart + Self.gap)))
    let rows = (sheet.scores.count + most - 1) / most
    return (sheet.scores.count + rows - 1) / rows
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    try page.require(Self.leastChart)
    let head = builder.head(
      words: "\(sheet.method) on \(sheet.suite), \(sheet.model)", width: page.inner)
    let key = builder.part { builder in builder.group("key") { drawKey(&$0) } }
    let lines = sheet.knobs.indices.flatMap { knob in
      stride(from: 0, to: sheet.scores.count, by: perRow).map { first in
        PageStack.Line(
          part: builder.part {
            draw(knob, first..<min(first + perRow, sheet.scores.count), &$0)
          })
      }
    }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata, caption: caption
    ).scenes(lines, builder)
  }

  private func draw(_ knob: Int, _ scores: Range<Int>, _ builder: inout SceneBuilder) -> Double {
    let one = sheet.knobs[knob]
    let width = (page.inner - Self.gap * Double(scores.count - 1)) / Double(scores.count)
    var bottom = 0.0
    for (place, score) in scores.enumerated() {
      let usual = one.usual.map { one.means[score][$0].estimate }
      let chart = OutcomeChart(
        title: sheet.scores[score], label: one.name, values: one.values,
        range: sheet.range(score), ticks: AblationSheet.ticks,
        series: [
          OutcomeChart.Series(
            intervals: one.means[score], color: nil, marker: .circle, filled: one.usual)
        ], level: usual.flatMap { $0.isFinite ? $0 : nil }, plotHeight: Self.plotHeight)
      let x = Metrics.margin + Double(place) * (width + Self.gap)
      let end = builder.group("chart \(one.name) \(chart.title)") {
        chart.draw(x: x, y: 0, width: width, &$0)
      }
      bottom = max(bottom, end)
    }
    return bottom + 5
  }

  private func drawKey(_ builder: inout SceneBuilder) -> Double {
    let entries = [
      Legend.Entry(name: "as usual: nothing varied") { place, builder in
        builder.line(
          [place, Scene.Point(place.x + Legend.sampleWidth, place.y)],
          builder.rule(0.6, dash: OutcomeChart.levelDash))
        builder.add(
          Marker.circle.node(
            at: Scene.Point(place.x + Legend.sampleWidth / 2, place.y), radius: 1.9,
            fill: builder.theme.ink, stroke: nil))
      },
      Legend.Entry(name: "one knob varied") { place, builder in
        builder.add(
          Marker.circle.node(
            at: Scene.Point(place.x + Legend.sampleWidth / 2, place.y), radius: 1.7,
            fill: builder.theme.paper, stroke: Scene.Stroke(builder.theme.ink, width: 0.7)))
      },
    ]
    let isUsual = sheet.knobs.contains { $0.usual != nil }
    let bottom = Legend(entries: isUsual ? entries : [entries[1]]).draw(
      x: Metrics.margin, y: 0, width: page.inner, &builder)
    guard builder.words.note else { return bottom }
    return builder.paragraph(
      note, x: Metrics.margin, y: bottom + 2, width: page.inner, builder.secondary(6),
      baseline: 5.8, pitch: 7.4)
  }

  private var note: String {
    "Points: means over pictures (n = \(sheet.count) at each value); lines: 95 % bootstrap intervals over "
      + "prompts and seeds, clustered by prompt, where there are two prompts or more. A score has one axis "
      + "in all rows, which need not begin at 0."
  }

  private var caption: FigureCaption {
    FigureCaption(
      shown: "scores of \(sheet.method) on \(sheet.suite) with one knob varied at a time: "
        + "\(FigureCaption.series(sheet.knobs.map(\.name))); \(FigureCaption.series(sheet.scores)), "
        + "made with \(sheet.model).", note: note)
  }
}
