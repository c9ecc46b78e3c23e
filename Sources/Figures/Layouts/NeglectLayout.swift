internal import AttentionAnalysis
internal import AttentionTrace
internal import Pictures

extension NeglectSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Throws: ``FigureError`` if there is nothing to show, the width is too small, or a font is
  ///   missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try validate()
    try style.maps.validate(isDifference: false)
    return try style.page { width, builder in
      try NeglectLayout(sheet: self, width: width, style: style.maps).scene(builder)
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
  private static let panelRange = Metrics.smallestPanel...62.0
  private static let barPitch = 9.5
  private static let name = SceneBuilder.TextStyle(size: 7)
  private static let value = SceneBuilder.TextStyle(size: 6.5)
  /// The size of reasons and notes.
  private static let reasonSize = 6.0

  let sheet: NeglectSheet
  let width: Double
  let style: MapStyle
  let scale: ValueScale
  /// Panels of the case that has most.
  private let panels: Int
  /// Whether words stand beside the panels, not below.
  private let isBeside: Bool
  private let panelWidth: Double
  /// Whether the picture of another method on the same noise stands at the right.
  private let showsOther: Bool

  init(sheet: NeglectSheet, width: Double, style: MapStyle) {
    (self.sheet, self.width, self.style) = (sheet, width, style)
    scale = style.scale(of: sheet.maps, isDifference: false)
    panels = 1 + (sheet.cases.map(\.subjects.count).max() ?? 0)
    let gaps = Metrics.panelGap * Double(panels - 1)
    let room = width - 2 * Metrics.margin - Self.gutter - gaps
    let beside = (room - Self.textGap - Self.leastText) / Double(panels)
    isBeside = beside >= 44
    panelWidth = min(isBeside ? beside : room / Double(panels), Self.panelRange.upperBound)
    let text = room - Double(panels) * panelWidth - Self.textGap
    showsOther =
      isBeside && text - panelWidth - Self.textGap >= Self.leastText
      && sheet.cases.contains { !$0.others.isEmpty }
  }

  private var inner: Double { width - 2 * Metrics.margin }
  private var left: Double { Metrics.margin + Self.gutter }

  /// The height of every picture's frame: the first one's shape, at most square.
  private var panelHeight: Double {
    panelWidth * (sheet.cases.map { Double($0.image.height) / Double($0.image.width) }.max() ?? 1)
  }

  /// Whether one line of names above all cases does for every one.
  private var hasCommonNames: Bool {
    isBeside && Set(sheet.cases.map { $0.subjects.map { [$0.name, $0.tokens] } }).count == 1
  }

  func scene(_ builder: SceneBuilder) throws -> Scene {
    try checkWidth()
    var builder = builder
    var bottom = Metrics.margin
    if let prompt = sheet.commonPrompt {
      bottom = builder.group("prompt") {
        $0.prompt(prompt, margin: Metrics.margin, width: inner)
      }
    }
    if hasCommonNames {
      drawNames(sheet.cases[0], y: bottom, &builder)
      bottom += Metrics.columnLabelHeight
    }
    for index in sheet.cases.indices {
      if index > 0 {
        builder.line(
          [Scene.Point(Metrics.margin, bottom), Scene.Point(width - Metrics.margin, bottom)],
          Scene.Stroke(builder.theme.shade, width: 0.6))
        bottom += 4
      }
      bottom = builder.group("case \(index + 1)") { drawCase(index, y: bottom, &$0) } + 4
    }
    bottom = builder.group("key") { drawKey(y: bottom + 2, &$0) }
    return builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
  }

  private func checkWidth() throws {
    let least =
      Metrics.panelGap * Double(panels - 1) + Self.panelRange.lowerBound * Double(panels)
    let needed = (max(least, Self.leastTextBelow) + Self.gutter + 2 * Metrics.margin).rounded(.up)
    guard width >= needed else { throw FigureError.tooNarrow(width: width, needed: needed) }
  }

  // MARK: - A case

  private func drawCase(_ index: Int, y: Double, _ builder: inout SceneBuilder) -> Double {
    let one = sheet.cases[index]
    builder.text(
      "\(index + 1)", x: Metrics.margin, y: y + 8.4, .init(size: 9, isBold: true),
      width: Self.gutter - 2)
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
    if showsOther, let other = one.others.first {
      drawOther(other, y: hasCommonNames ? y : y + Metrics.columnLabelHeight, &builder)
    }
    let header = drawHeader(one, x: x, y: y, width: room, &builder)
    return max(panels, drawVerdicts(one, x: x, y: header + 2, width: room, &builder))
  }

  private func drawHeader(
    _ one: NeglectSheet.Case, x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    builder.text(
      "\(one.method), seed \(one.seed)", x: x, y: y + 7.4, .init(size: 8), width: width)
    guard sheet.commonPrompt == nil else { return y + 10 }
    return drawLines(
      "“\(one.prompt)”", x: x, y: y + 10, width: width, SceneBuilder.TextStyle(size: 6.5),
      atMost: 3, &builder)
  }

  private func drawNames(
    _ one: NeglectSheet.Case, y: Double, _ builder: inout SceneBuilder
  ) {
    let labels = [("picture", "")] + one.subjects.map { ($0.name, $0.tokens) }
    for (column, (name, tokens)) in labels.enumerated() {
      builder.columnLabel(
        name, tokens: tokens,
        center: left + Double(column) * (panelWidth + Metrics.panelGap) + panelWidth / 2, y: y,
        width: panelWidth)
    }
  }

  private func drawPanels(
    _ one: NeglectSheet.Case, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    var top = y
    if !hasCommonNames {
      drawNames(one, y: top, &builder)
      top += Metrics.columnLabelHeight
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
    }
    for (index, subject) in one.subjects.enumerated() {
      // A single cell without a value is hatched, and its strip says so.
      let map = subject.map ?? AttentionMap(grid: Grid(rows: 1, columns: 1), values: [.nan])
      builder.group("map \(subject.name)") { builder in
        MapPanel(map: map, image: one.image, shared: scale, style: style)
          .draw(in: frame(index + 1), &builder)
      }
    }
    return top + panelHeight + Metrics.stripHeight
  }

  /// The picture of another method on the same noise, at the right, with its name below.
  private func drawOther(
    _ other: NeglectSheet.Other, y: Double, _ builder: inout SceneBuilder
  ) {
    let room = Scene.Rect(
      x: width - Metrics.margin - panelWidth, y: y, width: panelWidth, height: panelHeight)
    let frame = room.inscribed(other.image)
    builder.group("other") { builder in
      builder.add(.image(other.image, frame))
      builder.rectangle(frame, stroke: builder.rule(0.4))
      builder.text(
        other.method, x: room.x + panelWidth / 2, y: room.maxY + 6.4, .init(size: 6), .center,
        width: panelWidth)
    }
  }

  /// Why subjects are neglected or lost; if none is, why the first is weak or not measured.
  private static func reasons(_ one: NeglectSheet.Case) -> [String] {
    let grave = one.subjects.filter { $0.verdict == .neglected || $0.verdict == .lost }
    let others = one.subjects.filter { $0.verdict != .attended }.prefix(1)
    return (grave.isEmpty ? Array(others) : grave).map(\.reason)
  }

  /// A bar and a verdict for each subject, the reasons, and what other methods made of the same
  /// noise.
  private func drawVerdicts(
    _ one: NeglectSheet.Case, x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    var top = y
    for subject in one.subjects {
      builder.group("bar \(subject.name)") {
        drawBar(subject, x: x, y: top + Self.barPitch / 2, width: width, &$0)
      }
      top += Self.barPitch
    }
    top += 1.5
    let others = one.others.map { "\($0.method) from the same noise: \($0.words)" }
    for line in Self.reasons(one) + others {
      top = drawLines(
        line, x: x, y: top, width: width, builder.secondary(Self.reasonSize), atMost: 3, &builder)
    }
    return top
  }

  private func drawBar(
    _ subject: NeglectSheet.Subject, x: Double, y: Double, width: Double,
    _ builder: inout SceneBuilder
  ) {
    let names = min(
      sheet.cases.flatMap { $0.subjects.map { builder.width(of: $0.name, Self.name) } }.max() ?? 0,
      width * 0.25)
    let (values, words) = (25.0, 52.0)
    let bar = min(120, width - names - values - words - 5)
    builder.text(subject.name, x: x, y: y + 2.4, Self.name, width: names)
    AttentionBar(value: subject.late, verdict: subject.verdict, criteria: sheet.criteria)
      .draw(x: x + names + 4, y: y, width: bar, &builder)
    let right = x + names + 4 + bar
    builder.text(
      subject.late.isNaN ? "–" : NumberText.tick(Double(subject.late), step: 0.001),
      x: right + values,
      y: y + 2.3,
      Self.value, .trailing)
    builder.add(
      AttentionBar.mark(
        subject.verdict, at: Scene.Point(right + values + 6, y), on: builder.theme))
    builder.text(
      Self.word(subject.verdict), x: right + values + 11, y: y + 2.3, Self.value)
  }

  /// A verdict as it is printed.
  static func word(_ verdict: NeglectVerdict) -> String {
    verdict == .unmeasured ? "not measured" : verdict.rawValue
  }

  private func drawLines(
    _ text: String, x: Double, y: Double, width: Double, _ style: SceneBuilder.TextStyle,
    atMost limit: Int, _ builder: inout SceneBuilder
  ) -> Double {
    builder.paragraph(
      text, x: x, y: y, width: width, style, baseline: style.size - 0.3, pitch: style.size + 1.4,
      atMost: limit)
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
      note: sheet.notes.joined(separator: " "))
  }

  private var legendEntries: [Legend.Entry] {
    let subjects = sheet.cases.flatMap(\.subjects)
    let (low, high) = (
      NumberText.plain(Double(sheet.criteria.neglectedBelow)),
      NumberText.plain(Double(sheet.criteria.attendedFrom))
    )
    var entries = [
      Legend.Entry(
        name: "largest attention (mean), 0 to 1; lines at \(low) and \(high)"
      ) { place, builder in
        AttentionBar(value: 0.4, verdict: .unmeasured, criteria: sheet.criteria)
          .draw(x: place.x, y: place.y, width: Legend.sampleWidth, &builder)
      }
    ]
    let meanings: [(NeglectVerdict, String)] = [
      (.attended, "attended: from \(high) on"), (.weak, "weak: \(low) to \(high)"),
      (.lost, "lost: below \(low), once \(high)"), (.neglected, "neglected: below \(low)"),
      (.unmeasured, "not measured"),
    ]
    for (verdict, meaning) in meanings where subjects.contains(where: { $0.verdict == verdict }) {
      entries.append(
        Legend.Entry(name: meaning) { place, builder in
          builder.add(
            AttentionBar.mark(
              verdict, at: Scene.Point(place.x + Legend.sampleWidth / 2, place.y),
              on: builder.theme))
        })
    }
    if subjects.contains(where: { $0.map?.values.contains { !$0.isFinite } ?? true }) {
      entries.append(Legend.hatch("no value"))
    }
    return entries
  }

  private var caption: String {
    let subject = sheet.commonPrompt.map { "runs of “\($0)”" } ?? "runs of several prompts"
    let verdicts = NeglectVerdict.allCases.compactMap { verdict -> String? in
      let count = sheet.cases.reduce(0) { $0 + $1.subjects.count { $0.verdict == verdict } }
      return count == 0 ? nil : "\(count) \(Self.word(verdict))"
    }
    let cases = sheet.cases.count
    return "Cases in \(subject), the most neglected first: \(cases) "
      + "\(cases == 1 ? "run" : "runs"), subjects \(verdicts.joined(separator: ", ")). "
      + "Bars: each subject’s largest attention as the loss reads it, averaged over the steps of the "
      + "verdict; neglected below \(NumberText.plain(Double(sheet.criteria.neglectedBelow))), "
      + "attended from \(NumberText.plain(Double(sheet.criteria.attendedFrom))). "
      + Scene.colors(sheet.quantity, scale: scale, style: style, strip: "the largest value")
      + " " + sheet.notes.joined(separator: " ")
  }
}
