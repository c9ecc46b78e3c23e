internal import AttentionAnalysis
package import Drawing

extension OutcomeSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try style.pages { page, builder in
      try OutcomeLayout(sheet: self, page: page).pages(builder)
    }
  }
}

/// Places the charts of an ``OutcomeSheet`` beside each other, or below where the page is narrow.
struct OutcomeLayout {
  private static let leastChart = 150.0

  let sheet: OutcomeSheet
  let page: PageSize

  private var inner: Double { page.inner }
  private var isWide: Bool { inner >= 2 * Self.leastChart + Metrics.blockGap }
  private var chartWidth: Double { isWide ? (inner - Metrics.blockGap) / 2 : inner }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    try page.require(Metrics.smallestBlock)
    let head = builder.head(sheet.prompt, width: inner)
    let key = builder.part { builder in builder.group("key") { drawKey(&$0) } }
    let charts = sheet.isMeasured ? self.charts : []
    let rows = isWide ? [charts] : charts.map { [$0] }
    let lines = rows.filter { !$0.isEmpty }.map { row in
      PageStack.Line(
        part: builder.part { builder in
          var bottom = 0.0
          for (place, chart) in row.enumerated() {
            let x = Metrics.margin + Double(place) * (chartWidth + Metrics.blockGap)
            let end = builder.group("chart \(chart.title)") {
              chart.draw(x: x, y: 0, width: chartWidth, &$0)
            }
            bottom = max(bottom, end)
          }
          return bottom + 5
        })
    }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata, caption: caption
    ).scenes(lines, builder).map { scene in
      var scene = scene
      if !sheet.isMeasured { scene.warnings.append(Self.nothing) }
      return scene
    }
  }

  private var charts: [OutcomeChart] {
    let scores = sheet.scores.enumerated().map { index, series in
      OutcomeChart.Series(
        intervals: intervals(series), color: Palette.words[index % Palette.words.count],
        marker: Marker.allCases[index % Marker.allCases.count])
    }
    return [
      OutcomeChart(
        title: "excitation score, mean of \(TableText.steps(sheet.window))",
        label: sheet.knob, values: sheet.values, series: scores, level: sheet.threshold),
      OutcomeChart(
        title: "share of neglected subjects", label: sheet.knob, values: sheet.values,
        series: [
          OutcomeChart.Series(
            intervals: intervals(sheet.neglected), color: nil, marker: .square)
        ], level: nil),
    ]
  }

  private func intervals(_ series: OutcomeSheet.Series) -> [BootstrapInterval] {
    series.samples.map { Bootstrap().interval(of: $0) }
  }

  private func drawKey(_ builder: inout SceneBuilder) -> Double {
    var entries = sheet.scores.enumerated().map { index, series in
      Legend.line(CurveStyle.guided[0].showing(markedWord: index), series.name)
    }
    entries.append(
      Legend.Entry(name: "neglected below \(NumberText.plain(sheet.threshold))") { place, builder in
        builder.line(
          [place, Scene.Point(place.x + Legend.sampleWidth, place.y)],
          builder.rule(0.6, dash: OutcomeChart.levelDash))
      })
    let bottom =
      sheet.isMeasured
      ? Legend(entries: entries).draw(x: Metrics.margin, y: 0, width: inner, &builder) + 2 : 0
    guard builder.words.note || !sheet.isMeasured else { return bottom }
    return builder.paragraph(
      note, x: Metrics.margin, y: bottom, width: inner, builder.secondary(6), baseline: 5.8,
      pitch: 7.4)
  }

  private static let nothing = "No run measured the excitation scores of its subjects."

  private var note: String {
    guard sheet.isMeasured else { return Self.nothing }
    let points =
      "Points: mean over the seeds (n = \(sheet.counts)); bars: 95 % percentile-bootstrap "
      + "interval, where there are two seeds or more."
    return ([points] + sheet.warnings).joined(separator: " ")
  }

  private var caption: FigureCaption {
    let values = sheet.neglected.samples.map { Bootstrap().interval(of: $0).estimate }
    let shares = zip(sheet.values, values).map { value, share in
      "\(value): "
        + (share.isNaN ? "not measured" : "\(NumberText.plain((share * 100).rounded())) %")
    }
    return FigureCaption(
      prompt: sheet.prompt,
      shown: "outcome at \(sheet.values.count) values of \(sheet.knob); neglected subjects at "
        + "\(shares.joined(separator: ", ")).", note: note)
  }
}
