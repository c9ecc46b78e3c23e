internal import AttentionAnalysis
package import Drawing

extension CurvesSheet: PagedSheet {
  package func pages(_ style: SheetStyle) throws -> [Scene] {
    try validate()
    return try style.pages { page, builder in
      try CurvesLayout(sheet: self, page: page).pages(builder)
    }
  }
}

/// Places the panels of a ``CurvesSheet`` in a grid, the key and a note below.
struct CurvesLayout {
  private static let rowGap = 6.0
  private static let smallestPanel = 105.0

  let sheet: CurvesSheet
  let page: PageSize

  private var inner: Double { page.inner }

  /// As few rows as the width allows, then as few columns.
  private var columns: Int {
    let most = max(1, Int((inner + Metrics.blockGap) / (Self.smallestPanel + Metrics.blockGap)))
    let count = sheet.panels.count
    let rows = (count + most - 1) / most
    return (count + rows - 1) / rows
  }

  /// The panels by row: attention and loss, entropy, and overlap begin rows of their own where that
  /// takes no more of them.
  private var rows: [[Int]] {
    func chunks(_ indices: [Int]) -> [[Int]] {
      stride(from: 0, to: indices.count, by: columns).map {
        Array(indices[$0..<min($0 + columns, indices.count)])
      }
    }
    let all = Array(sheet.panels.indices)
    let kinds: [Set<CurveMeasure>] = [[.peak, .score, .loss], [.entropy], [.overlap]]
    let apart = kinds.flatMap { kind in
      chunks(all.filter { kind.contains(sheet.panels[$0].measure) })
    }
    let isInOrder = apart.joined().elementsEqual(all)
    return isInOrder && apart.count <= chunks(all).count ? apart : chunks(all)
  }

  func pages(_ builder: SceneBuilder) throws -> [Scene] {
    try page.require(Metrics.smallestBlock)
    let head = builder.head(sheet.prompt, width: inner)
    let key = builder.part { builder in
      builder.group("key") { builder in
        let legend = Legend(entries: legendEntries(on: builder.theme))
          .draw(x: Metrics.margin, y: 0, width: inner, &builder)
        return drawNote(y: legend + 2, &builder)
      }
    }
    let lines = rows.map { row in PageStack.Line(part: builder.part { draw(row, &$0) }) }
    return try PageStack(
      page: page, head: head, key: key, metadata: sheet.metadata, caption: caption
    ).scenes(lines, builder).map { scene in
      var scene = scene
      scene.warnings = sheet.gaps + scene.warnings
      return scene
    }
  }

  // MARK: - Panels

  /// Draws a row of panels from the top, and returns its bottom.
  private func draw(_ row: [Int], _ builder: inout SceneBuilder) -> Double {
    let width = (inner - Metrics.blockGap * Double(columns - 1)) / Double(columns)
    let triesRows = row.map { tries(of: sheet.panels[$0].measure).count }.max() ?? 0
    let titleLines =
      row.map { index in
        CurveChart.titleLines(
          Self.title(sheet.panels[index]), mark: builder.mark(index), width: width, builder
        ).count
      }.max() ?? 1
    let height = CurveChart.height(triesRows: triesRows, titleLines: titleLines)
    for (column, index) in row.enumerated() {
      let frame = Scene.Rect(
        x: Metrics.margin + Double(column) * (width + Metrics.blockGap), y: 0, width: width,
        height: height)
      builder.group(Self.title(sheet.panels[index])) {
        var chart = chart(index, mark: $0.mark(index), triesRows: triesRows)
        chart.titleLines = titleLines
        chart.draw(in: frame, &$0)
      }
    }
    return height + Self.rowGap
  }

  private func chart(_ index: Int, mark: String, triesRows: Int) -> CurveChart {
    let panel = sheet.panels[index]
    return CurveChart(
      mark: mark, title: Self.title(panel), steps: sheet.steps,
      range: range(of: panel.measure), series: series(panel),
      schedule: StepSchedule(levels: levels(of: panel.measure), alteredSteps: alteredSteps),
      tries: tries(of: panel.measure), triesRows: triesRows)
  }

  private func series(_ panel: CurvesSheet.Panel) -> [CurveChart.Series] {
    zip(panel.values, styles(panel)).map { CurveChart.Series($0, $1) }
  }

  /// The methods' lines in the panel, in the colour of its word if it is of one.
  private func styles(_ panel: CurvesSheet.Panel) -> [CurveStyle] {
    guard panel.subjects.count == 1, let word = sheet.words.firstIndex(of: panel.subjects[0]) else {
      return sheet.styles
    }
    return sheet.styles.map { $0.showing(word: word) }
  }

  private static func title(_ panel: CurvesSheet.Panel) -> String {
    switch panel.measure {
    case .loss: "loss"
    case .peak: "peak attention: \(panel.subjects.joined())"
    case .score: "excitation score: \(panel.subjects.joined())"
    case .entropy: "entropy: \(panel.subjects.joined())"
    case .overlap: "overlap: \(panel.subjects.joined(separator: " and "))"
    }
  }

  /// The axis that all panels of a measure share: 0…1 for loss and excitation score, or as far as they
  /// reach; from 0 for the peak; for entropy and overlap no more than the values need.
  private func range(of measure: CurveMeasure) -> (lower: Double, upper: Double) {
    let values = sheet.panels.filter { $0.measure == measure }
      .flatMap { series($0).flatMap(\.values) }
    var (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    if measure == .peak { least = min(0, least) }
    if measure.isOfLoss {
      (least, greatest) = (min(0, least), max(1, greatest))
      if least == 0 && greatest == 1 { return (0, 1) }
    }
    if greatest - least < (measure == .peak ? 1e-6 : 0.02) {
      (least, greatest) = (least - 0.01, greatest + 0.01)
    }
    return Ticks.ends(from: least, to: greatest, atMost: CurveChart.ticks)
  }

  // MARK: - What the methods did

  /// Steps up to the last that moved the latent; 0 if none altered any.
  private var alteredSteps: Int { sheet.methods.map(\.alteredSteps).max() ?? 0 }

  /// The values that a measure had to reach, by step.
  private func levels(of measure: CurveMeasure) -> [Int: [Double]] {
    guard measure.isOfLoss else { return [:] }
    var levels: [Int: [Double]] = [:]
    for method in sheet.methods {
      for (step, threshold) in method.thresholds {
        let level = measure == .loss ? max(0, 1 - threshold) : threshold
        if !levels[step, default: []].contains(level) { levels[step, default: []].append(level) }
      }
    }
    return levels
  }

  private var hasSeveralSeeds: Bool { sheet.methods.contains { $0.seeds.count > 1 } }

  /// The rows of tries above a measure's panels, one for each method that made any.
  private func tries(
    of measure: CurveMeasure
  ) -> [(row: TriesRow, style: CurveStyle?)] {
    guard measure.isOfLoss else { return [] }
    let trying = zip(sheet.methods, sheet.styles).filter { method, _ in
      method.tries.values.contains { $0 > 0 }
    }
    return trying.map { method, style in
      (
        TriesRow(counts: method.tries, sign: hasSeveralSeeds ? "Σ" : "×"),
        trying.count > 1 ? style : nil
      )
    }
  }

  // MARK: - Key

  private var drawsBands: Bool {
    sheet.panels.contains { series($0).contains { !$0.band.isEmpty } }
  }

  private var drawsLines: Bool {
    sheet.panels.contains { series($0).contains { $0.lines.count > 1 } }
  }

  private func legendEntries(on theme: Theme) -> [Legend.Entry] {
    // Words have the colours of their panels; only panels without one show those of the methods.
    let haveWords = sheet.panels.allSatisfy { $0.subjects.count == 1 }
    var entries = zip(sheet.methods, sheet.styles).map { method, style in
      let title = "\(method.title) (n = \(method.seeds.count))"
      return haveWords
        ? Legend.method(style, title, on: theme)
        : Legend.line(style, "\(title): \(style.isFilled ? "filled" : "open") markers")
    }
    entries += sheet.words.indices.map { index in
      Legend.color(Palette.words[index % Palette.words.count], sheet.words[index])
    }
    if drawsBands { entries.append(Self.band("median, 25–75 % of seeds")) }
    if drawsLines { entries.append(Self.thinLines("a line for each seed")) }
    let measures = Set(sheet.panels.map(\.measure))
    if measures.contains(where: { !levels(of: $0).isEmpty }) {
      let loss = measures.contains(.loss) ? " (loss: 1 − threshold)" : ""
      entries.append(Legend.target("threshold at its step" + loss))
    }
    if measures.contains(where: { !tries(of: $0).isEmpty }) {
      entries.append(
        hasSeveralSeeds
          ? Legend.word("Σn", "refinement tries at a step, sum over seeds")
          : Legend.word("×n", "refinement tries at a step"))
    }
    if alteredSteps > 0 && alteredSteps < sheet.steps {
      entries.append(Legend.shade("after the last step that moved the latent"))
    }
    return entries
  }

  private static func band(_ name: String) -> Legend.Entry {
    Legend.Entry(name: name) { place, builder in
      let width = Legend.sampleWidth
      builder.rectangle(
        Scene.Rect(x: place.x, y: place.y - 3, width: width, height: 6), fill: builder.theme.shade)
      for (rise, stroke) in [-3, 0, 3].map({
        ($0, Scene.Stroke(builder.theme.ink, width: $0 == 0 ? 1.1 : 0.35))
      }) {
        let y = place.y + Double(rise)
        builder.line([Scene.Point(place.x, y), Scene.Point(place.x + width, y)], stroke)
      }
    }
  }

  private static func thinLines(_ name: String) -> Legend.Entry {
    Legend.Entry(name: name) { place, builder in
      for rise in [-2.0, 0, 2] {
        builder.line(
          [
            Scene.Point(place.x, place.y + rise / 2),
            Scene.Point(place.x + Legend.sampleWidth, place.y + rise),
          ], Scene.Stroke(builder.theme.ink, width: 0.55))
      }
    }
  }

  // MARK: - Words

  private func drawNote(y: Double, _ builder: inout SceneBuilder) -> Double {
    guard builder.words.note else { return y }
    return builder.paragraph(
      (sheet.gaps + notes).joined(separator: " "), x: Metrics.margin, y: y, width: inner,
      builder.secondary(6), baseline: 5.8, pitch: 7.4)
  }

  /// What the measures are.
  private var notes: [String] {
    let measures = Set(sheet.panels.map(\.measure))
    var notes: [String] = []
    if measures.contains(.peak) {
      notes.append("Peak attention: the largest value of a word’s map, a mean probability.")
    }
    if measures.contains(where: \.isOfLoss) {
      notes.append(CompareSheet.scoreNote + "; loss: 1 − the smallest score.")
      notes += sheet.scoreNotes
    }
    if measures.contains(.entropy) {
      notes.append(
        "Entropy: of a word’s map as a share of the largest possible, 1 for a uniform map.")
    }
    if measures.contains(.overlap) {
      notes.append(
        "Overlap: the soft Jaccard index of two words’ maps, 0 if disjoint and 1 if equal.")
    }
    if measures.contains(where: \.isOfMaps) {
      notes.append("Their maps at each step: \(sheet.quantity).")
    }
    if drawsBands, hasGaps {
      notes.append(
        "Median and band omit seeds without a value, and end where fewer than "
          + "\(CurveChart.Series.leastForBand) have one.")
    }
    return notes
  }

  /// Whether a run of a method with a band lacks a value at some step.
  private var hasGaps: Bool {
    sheet.panels.contains { panel in
      panel.values.contains { runs in
        runs.count >= CurveChart.Series.leastForBand
          && runs.contains { $0.contains { !$0.isFinite } }
      }
    }
  }

  private var caption: FigureCaption {
    let methods = sheet.methods.map { method in
      "\(method.title) (n = \(method.seeds.count), \(Self.list(method.seeds)))"
    }
    let drawn =
      (drawsBands ? ["median and 25–75 % band over seeds"] : [])
      + (drawsLines
        ? [
          "a line for each seed where there are fewer than "
            + "\(CurveChart.Series.leastForBand)"
        ] : [])
    let shown = drawn.isEmpty ? "" : "; " + drawn.joined(separator: ", ")
    let step = alteredSteps > 0 && alteredSteps <= sheet.steps ? alteredSteps - 1 : sheet.steps - 1
    let place =
      alteredSteps > 0 && step == alteredSteps - 1
      ? "the last step that moved the latent" : "the last step"
    let numbers = sheet.panels.map { panel in
      let each = series(panel).map { Self.number(of: $0, at: step) }
      return "\(Self.title(panel)) \(each.joined(separator: " against "))"
    }
    return FigureCaption(
      prompt: sheet.prompt,
      shown: "\(sheet.steps) denoising steps: \(methods.joined(separator: ", "))\(shown). At step "
        + "\(step), \(place), in that order: \(numbers.joined(separator: "; ")).",
      note: (notes + sheet.gaps).joined(separator: " "))
  }

  /// A method's value at a step: the median with the quartiles, or each seed's.
  private static func number(of series: CurveChart.Series, at step: Int) -> String {
    if series.band.indices.contains(step), let band = series.band[step] {
      return "\(NumberText.value(band.median)) (\(NumberText.value(band.lower))–"
        + "\(NumberText.value(band.upper)))"
    }
    let values = series.lines.filter { $0.indices.contains(step) && $0[step].isFinite }
      .map { NumberText.value($0[step]) }
    return values.isEmpty ? "no value" : values.joined(separator: "/")
  }

  /// Seeds as ranges, as in `seeds 0–7, 9`.
  private static func list(_ seeds: [UInt64]) -> String {
    var ranges: [ClosedRange<UInt64>] = []
    for seed in seeds {
      if let last = ranges.last, last.upperBound < .max, last.upperBound + 1 == seed {
        ranges[ranges.count - 1] = last.lowerBound...seed
      } else {
        ranges.append(seed...seed)
      }
    }
    let texts = ranges.map { range in
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound)"
    }
    return (seeds.count == 1 ? "seed " : "seeds ") + texts.joined(separator: ", ")
  }
}
