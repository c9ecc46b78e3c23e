internal import AttentionAnalysis
internal import AttentionTrace
package import Drawing
internal import Pictures
internal import PromptText

extension NeglectSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try validate()
    try style.maps.validate(isDifference: false)
    return try style.pages { page, builder in
      try NeglectLayout(sheet: self, page: page, style: style.maps).pages(builder)
    }
  }
}

/// Places the cases of a ``NeglectSheet`` below each other: rank, picture, maps, bars and verdicts.
struct NeglectLayout {
  /// Room left of a case for its rank.
  private static let gutter = 15.0
  private static let textGap = 8.0
  /// The least room for words beside the panels.
  private static let leastText = 158.0
  /// The least room for them below.
  private static let leastTextBelow = 140.0
  /// The widest panel beside words, and the widest with words below it.
  private static let (widestBeside, widestBelow) = (76.0, 120.0)
  private static let barPitch = 9.5
  private static let name = SceneBuilder.TextStyle(size: 7)
  private static let value = SceneBuilder.TextStyle(size: 6.5)
  /// The size of reasons and notes.
  private static let reasonSize = 6.0

  let sheet: NeglectSheet
  let page: PageSize
  let style: MapStyle
  let scale: ValueScale
  /// Panels of the case that has most.
  private let panels: Int
  /// Whether words stand beside the panels, not below.
  private let isBeside: Bool
  private let panelWidth: Double
  /// Whether the picture of another method on the same noise stands at the right.
  private let showsOther: Bool

  init(sheet: NeglectSheet, page: PageSize, style: MapStyle) {
    (self.sheet, self.page, self.style) = (sheet, page, style)
    scale = style.scale(of: sheet.maps, isDifference: false)
    panels = 1 + (sheet.cases.map(\.subjects.count).max() ?? 0)
    let gaps = Metrics.panelGap * Double(panels - 1)
    let room = page.inner - Self.gutter - gaps
    let beside = (room - Self.textGap - Self.leastText) / Double(panels)
    isBeside = beside >= 44
    panelWidth =
      isBeside
      ? min(beside, Self.widestBeside) : min(room / Double(panels), Self.widestBelow)
    let text = room - Double(panels) * panelWidth - Self.textGap
    showsOther =
      isBeside && text - panelWidth - Self.textGap >= Self.leastText
      && sheet.cases.contains { !$0.others.isEmpty }
  }

  private var width: Double { page.width }
  private var inner: Double { page.inner }
  private var left: Double { Metrics.margin + Self.gutter }

  /// The height of every picture's frame: the first one's shape, at most square.
  private var panelHeight: Double {
    panelWidth * (sheet.cases.map { Double($0.image.height) / Double($0.image.width) }.max() ?? 1)
  }

  /// Whether one line of names above all cases does for every one.
  private var hasCommonNames: Bool {
    isBeside && Set(sheet.cases.map { $0.subjects.map { [$0.name, $0.tokens] } }).count == 1
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    try checkWidth()
    let head = builder.head(sheet.commonPrompt, width: inner)
    let names =
      hasCommonNames ? builder.part { drawNames(sheet.cases[0], y: 0, &$0) } : PagePart.empty
    let lines = sheet.cases.indices.map { index in
      PageStack.Line(
        part: builder.part { builder in
          let bottom = builder.group("case \(index + 1)") { drawCase(index, y: 0, &$0) } + 4
          guard index < sheet.cases.count - 1 else { return bottom }
          builder.line(
            [Scene.Point(Metrics.margin, bottom), Scene.Point(width - Metrics.margin, bottom)],
            Scene.Stroke(builder.theme.shade, width: 0.6))
          return bottom + 4
        }, heading: names, beginsSection: index == 0)
    }
    let key = builder.part { builder in builder.group("key") { drawKey(y: 2, &$0) } }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata, caption: caption
    ).scenes(lines, builder)
  }

  private func checkWidth() throws {
    let least =
      Metrics.panelGap * Double(panels - 1) + Metrics.smallestPanel * Double(panels)
    try page.require(max(least, Self.leastTextBelow) + Self.gutter)
  }

  // MARK: - A case

  private func drawCase(_ index: Int, y: Double, _ builder: inout SceneBuilder) -> Double {
    let one = sheet.cases[index]
    let rank = "\(index + 1)"
    let size = builder.size(of: rank, from: [9, 7.5, 6], width: Self.gutter - 2) ?? 6
    builder.text(
      rank, x: Metrics.margin, y: y + 8.4, .init(size: size, isBold: size == 9))
    guard isBeside else {
      let header = drawHeader(one, x: left, y: y, width: inner - Self.gutter, &builder)
      let panels = drawPanels(one, y: header + 1, &builder)
      return drawVerdicts(one, x: left, y: panels + 3, width: inner - Self.gutter, &builder)
    }
    let panels = drawPanels(one, y: y, &builder)
    let x =
      left + Double(self.panels) * (panelWidth + Metrics.panelGap) - Metrics.panelGap + Self.textGap
    let other = showsOther ? panelWidth + Self.textGap : 0
    let room = width - Metrics.margin - x - other
    var bottom = panels
    if showsOther, let other = one.others.first {
      let top = hasCommonNames ? y : y + names(of: one, builder).height
      bottom = max(bottom, drawOther(other, y: top, &builder))
    }
    let header = drawHeader(one, x: x, y: y, width: room, &builder)
    return max(bottom, drawVerdicts(one, x: x, y: header + 2, width: room, &builder))
  }

  private func drawHeader(
    _ one: NeglectSheet.Case, x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let bottom =
      builder.paragraph(
        "\(one.method), seed \(one.seed)", x: x, y: y, width: width, .init(size: 8), baseline: 7.4,
        pitch: 9) + 1
    guard sheet.commonPrompt == nil else { return bottom }
    return drawLines(
      "“\(one.prompt)”", x: x, y: bottom, width: width, SceneBuilder.TextStyle(size: 6.5), &builder)
  }

  private func names(of one: NeglectSheet.Case, _ builder: SceneBuilder) -> ColumnLabels {
    ColumnLabels(
      [ColumnLabels.Label(name: "picture")]
        + one.subjects.map { ColumnLabels.Label(name: $0.name, detail: $0.tokens) },
      width: panelWidth, builder)
  }

  private func drawNames(
    _ one: NeglectSheet.Case, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    names(of: one, builder).draw(
      centers: (0...one.subjects.count).map {
        left + Double($0) * (panelWidth + Metrics.panelGap) + panelWidth / 2
      }, y: y, &builder)
  }

  private func drawPanels(
    _ one: NeglectSheet.Case, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    var top = y
    if !hasCommonNames {
      top = drawNames(one, y: top, &builder)
    }
    func frame(_ column: Int) -> Scene.Rect {
      Scene.Rect(
        x: left + Double(column) * (panelWidth + Metrics.panelGap), y: top, width: panelWidth,
        height: panelHeight
      ).inscribed(one.image)
    }
    builder.group("picture") { builder in
      builder.add(.image(one.image, frame(0)))
      builder.rectangle(frame(0), stroke: builder.rule(0.4))
      PictureBox.draw(one.boxes, in: frame(0), &builder)
    }
    for (index, subject) in one.subjects.enumerated() {
      // A single cell without a value is hatched, and its strip says so.
      let map = subject.map ?? AttentionMap(grid: Grid(rows: 1, columns: 1), values: [.nan])
      builder.group("map \(subject.name)") { builder in
        MapPanel(
          map: map, image: one.image, shared: scale, style: style,
          boxes: one.boxes.filter { $0.word == subject.name }
        ).draw(in: frame(index + 1), &builder)
      }
    }
    return top + panelHeight + Metrics.stripHeight
  }

  /// The picture of another method on the same noise, at the right, with its name below.
  private func drawOther(
    _ other: NeglectSheet.Other, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let room = Scene.Rect(
      x: width - Metrics.margin - panelWidth, y: y, width: panelWidth, height: panelHeight)
    let frame = room.inscribed(other.image)
    return builder.group("other") { builder in
      builder.add(.image(other.image, frame))
      builder.rectangle(frame, stroke: builder.rule(0.4))
      PictureBox.draw(other.boxes, in: frame, &builder)
      return builder.paragraph(
        other.method, x: room.x + panelWidth / 2, y: room.maxY + 0.8, width: panelWidth,
        .init(size: 6), baseline: 5.6, pitch: 7.2, .center)
    }
  }

  /// Why subjects are neglected or lost.
  private static func reasons(_ one: NeglectSheet.Case) -> [String] {
    one.subjects.filter(\.verdict.isNeglect).map(\.reason)
  }

  /// A bar and a verdict for each subject, the reasons, and what other methods made of the same
  /// noise.
  private func drawVerdicts(
    _ one: NeglectSheet.Case, x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    var top = y
    for subject in one.subjects {
      top = builder.group("bar \(subject.name)") {
        drawBar(subject, x: x, y: top, width: width, &$0)
      }
    }
    top += 1.5
    let others = one.others.map { "\($0.method) from the same noise: \($0.words)" }
    for line in Self.reasons(one) + others {
      top = drawLines(
        line, x: x, y: top, width: width, builder.secondary(Self.reasonSize), &builder)
    }
    return top
  }

  /// Draws a subject's bar from `top` down, and returns the bottom.
  private func drawBar(
    _ subject: NeglectSheet.Subject, x: Double, y top: Double, width: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    let names = min(
      sheet.cases.flatMap { $0.subjects.map { builder.width(of: $0.name, Self.name) } }.max() ?? 0,
      width * 0.25)
    let (values, words, y) = (25.0, 52.0, top + Self.barPitch / 2)
    let bar = width - names - values - words - 5
    let bottom = builder.paragraph(
      subject.name, x: x, y: y - 4.6, width: names + 0.01, Self.name, baseline: 7, pitch: 8)
    ScoreBar(value: subject.score, criteria: sheet.criteria)
      .draw(x: x + names + 4, y: y, width: bar, &builder)
    let right = x + names + 4 + bar
    builder.text(
      subject.score.isNaN ? "–" : NumberText.tick(Double(subject.score), step: 0.001),
      x: right + values,
      y: y + 2.3,
      Self.value, .trailing)
    builder.add(
      ScoreBar.mark(
        subject.verdict, at: Scene.Point(right + values + 6, y), on: builder.theme))
    builder.text(
      subject.verdict.words, x: right + values + 11, y: y + 2.3, Self.value)
    return max(top + Self.barPitch, bottom)
  }

  private func drawLines(
    _ text: String, x: Double, y: Double, width: Double, _ style: SceneBuilder.TextStyle,
    _ builder: inout SceneBuilder
  ) -> Double {
    builder.paragraph(
      text, x: x, y: y, width: width, style, baseline: style.size - 0.3, pitch: style.size + 1.4)
  }

  // MARK: - Key

  private func drawKey(y: Double, _ builder: inout SceneBuilder) -> Double {
    let isWide = width >= Metrics.twoBlocks
    let half = (inner - Metrics.blockGap) / 2
    var bottom = y
    if !sheet.maps.isEmpty {
      bottom = key.drawBar(x: Metrics.margin, y: y, width: isWide ? half : inner, &builder)
    }
    let legend = builder.group("legend") {
      Legend(entries: legendEntries).draw(
        x: isWide ? Metrics.margin + half + Metrics.blockGap : Metrics.margin,
        y: isWide ? y : bottom + 3, width: isWide ? half : inner, &$0)
    }
    return key.drawNote(x: Metrics.margin, y: max(bottom, legend) + 2, width: inner, &builder)
  }

  private var key: MapKey {
    MapKey(
      maps: sheet.maps, quantity: sheet.quantity, scale: scale, style: style,
      note: ([PictureBox.note(sheet.boxes)].filter { !$0.isEmpty } + sheet.notes)
        .joined(separator: " "))
  }

  private var legendEntries: [Legend.Entry] {
    let subjects = sheet.cases.flatMap(\.subjects)
    let (low, high) = (
      NumberText.plain(Double(sheet.criteria.neglectedBelow)),
      NumberText.plain(Double(sheet.criteria.highFrom))
    )
    var entries = [
      Legend.Entry(
        name: "excitation score (mean), 0 to 1; lines at \(low) and \(high)"
      ) { place, builder in
        ScoreBar(value: 0.4, criteria: sheet.criteria)
          .draw(x: place.x, y: place.y, width: Legend.sampleWidth, &builder)
      }
    ]
    let meanings: [(NeglectVerdict, String)] = [
      (.high, "high score: from \(high) on"), (.weak, "weak: \(low) to \(high)"),
      (.lost, "lost: below \(low), once \(high)"), (.neglected, "neglected: below \(low)"),
      (.unmeasured, "not measured"),
    ]
    for (verdict, meaning) in meanings where subjects.contains(where: { $0.verdict == verdict }) {
      entries.append(
        Legend.Entry(name: meaning) { place, builder in
          builder.add(
            ScoreBar.mark(
              verdict, at: Scene.Point(place.x + Legend.sampleWidth / 2, place.y),
              on: builder.theme))
        })
    }
    if subjects.contains(where: { $0.map?.values.contains { !$0.isFinite } ?? true }) {
      entries.append(Legend.hatch("no value"))
    }
    return entries
  }

  private var caption: FigureCaption {
    let subject = sheet.commonPrompt.map { "runs of “\($0)”" } ?? "runs of several prompts"
    let verdicts = NeglectVerdict.allCases.compactMap { verdict -> String? in
      let count = sheet.cases.reduce(0) { $0 + $1.subjects.count { $0.verdict == verdict } }
      return count == 0 ? nil : "\(count) \(verdict.words)"
    }
    let cases = sheet.cases.count
    let shown =
      "Cases of neglect in \(subject), the most neglected first: \(cases) "
      + "\(cases == 1 ? "run" : "runs"), subjects \(verdicts.joined(separator: ", ")). "
      + "Bars: each subject’s excitation score, averaged over the steps of the verdict; neglected "
      + "below \(NumberText.plain(Double(sheet.criteria.neglectedBelow))), high from "
      + "\(NumberText.plain(Double(sheet.criteria.highFrom))). \(CompareSheet.scoreNote)."
    return FigureCaption(
      shown: shown,
      note: ([
        FigureCaption.colors(sheet.quantity, scale: scale, style: style, strip: "its peak")
      ] + sheet.notes).joined(separator: " "))
  }
}
