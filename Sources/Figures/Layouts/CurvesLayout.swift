internal import AttentionAnalysis

extension CurvesSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Throws: ``FigureError`` if there is nothing to show, the width is too small, or a font is
  ///   missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try validate()
    return try style.page { width, builder in
      try CurvesLayout(sheet: self, width: width).scene(builder)
    }
  }
}

/// Places the panels of a ``CurvesSheet`` in a grid, the key and a note below.
struct CurvesLayout {
  private static let rowGap = 6.0
  private static let smallestPanel = 105.0

  let sheet: CurvesSheet
  let width: Double

  private var inner: Double { width - 2 * Metrics.margin }

  /// As few rows as the width allows, then as few columns.
  private var columns: Int {
    let most = max(1, Int((inner + Metrics.blockGap) / (Self.smallestPanel + Metrics.blockGap)))
    let count = sheet.panels.count
    let rows = (count + most - 1) / most
    return (count + rows - 1) / rows
  }

  /// The panels by row: loss and attention, entropy, and overlap begin rows of their own where that
  /// takes no more of them.
  private var rows: [[Int]] {
    func chunks(_ indices: [Int]) -> [[Int]] {
      stride(from: 0, to: indices.count, by: columns).map {
        Array(indices[$0..<min($0 + columns, indices.count)])
      }
    }
    let all = Array(sheet.panels.indices)
    let kinds: [Set<CurveMeasure>] = [[.loss, .maxima], [.entropy], [.overlap]]
    let apart = kinds.flatMap { kind in
      chunks(all.filter { kind.contains(sheet.panels[$0].measure) })
    }
    let isInOrder = apart.joined().elementsEqual(all)
    return isInOrder && apart.count <= chunks(all).count ? apart : chunks(all)
  }

  func scene(_ builder: SceneBuilder) throws -> Scene {
    let needed = (Metrics.smallestBlock + 2 * Metrics.margin).rounded(.up)
    guard width >= needed else { throw FigureError.tooNarrow(width: width, needed: needed) }
    var builder = builder
    var bottom = builder.group("prompt") {
      $0.prompt(sheet.prompt, margin: Metrics.margin, width: inner)
    }
    bottom = drawPanels(y: bottom, &builder)
    bottom = builder.group("key") { builder in
      let legend = Legend(entries: legendEntries)
        .draw(x: Metrics.margin, y: bottom, width: inner, &builder)
      return drawNote(y: legend + 2, &builder)
    }
    var scene = builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
    scene.warnings = sheet.gaps + scene.warnings
    return scene
  }

  // MARK: - Panels

  private func drawPanels(y: Double, _ builder: inout SceneBuilder) -> Double {
    let chartWidth = (inner - Metrics.blockGap * Double(columns - 1)) / Double(columns)
    var top = y
    for row in rows {
      let triesRows = row.map { tries(of: sheet.panels[$0].measure).count }.max() ?? 0
      let height = CurveChart.height(triesRows: triesRows)
      for (column, index) in row.enumerated() {
        let frame = Scene.Rect(
          x: Metrics.margin + Double(column) * (chartWidth + Metrics.blockGap), y: top,
          width: chartWidth, height: height)
        builder.group(Self.title(sheet.panels[index])) {
          chart(index, mark: $0.mark(index), triesRows: triesRows).draw(in: frame, &$0)
        }
      }
      top += height + Self.rowGap
    }
    return top
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
    zip(panel.values, sheet.styles).map { CurveChart.Series($0, $1) }
  }

  private static func title(_ panel: CurvesSheet.Panel) -> String {
    switch panel.measure {
    case .loss: "loss"
    case .maxima: "largest attention: \(panel.subjects.joined())"
    case .entropy: "entropy: \(panel.subjects.joined())"
    case .overlap: "overlap: \(panel.subjects.joined(separator: " and "))"
    }
  }

  /// The axis that all panels of a measure share: 0…1 for loss and attention, or as far as they
  /// reach; for entropy and overlap no more than the values need.
  private func range(of measure: CurveMeasure) -> (lower: Double, upper: Double) {
    let values = sheet.panels.filter { $0.measure == measure }
      .flatMap { series($0).flatMap(\.values) }
    var (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    if measure == .loss || measure == .maxima {
      (least, greatest) = (min(0, least), max(1, greatest))
      if least == 0 && greatest == 1 { return (0, 1) }
    }
    if greatest - least < 0.02 { (least, greatest) = (least - 0.01, greatest + 0.01) }
    return Self.labelled(from: least, to: greatest)
  }

  /// The range from `least` to `greatest`, extended to the next labelled values.
  private static func labelled(
    from least: Double, to greatest: Double
  ) -> (lower: Double, upper: Double) {
    var (lower, upper) = (least, greatest)
    // A wider axis may need wider steps, and their ends lie farther out.
    for _ in 0..<4 {
      let step = Ticks(from: lower, to: upper, atMost: CurveChart.ticks).step
      lower = (least / step + 1e-9).rounded(.down) * step
      upper = (greatest / step - 1e-9).rounded(.up) * step
    }
    return (lower, upper)
  }

  // MARK: - What the methods did

  /// The last of the methods' altered steps and one; 0 if none altered any.
  private var alteredSteps: Int { sheet.methods.map(\.alteredSteps).max() ?? 0 }

  /// The values that a measure had to reach, by step.
  private func levels(of measure: CurveMeasure) -> [Int: [Double]] {
    guard measure == .loss || measure == .maxima else { return [:] }
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
    guard measure == .loss || measure == .maxima else { return [] }
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

  private var legendEntries: [Legend.Entry] {
    var entries = zip(sheet.methods, sheet.styles).map { method, style in
      Self.line(style, "\(method.title) (n = \(method.seeds.count))")
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
      entries.append(Legend.shade("after the last altered step"))
    }
    return entries
  }

  private static func line(_ style: CurveStyle, _ name: String) -> Legend.Entry {
    Legend.Entry(name: name) { place, builder in
      let end = Scene.Point(place.x + Legend.sampleWidth, place.y)
      builder.line([place, end], style.stroke(isThin: false, on: builder.theme))
      builder.add(
        style.node(
          at: Scene.Point(place.x + Legend.sampleWidth / 2, place.y), on: builder.theme))
    }
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
    builder.paragraph(
      (sheet.gaps + notes).joined(separator: " "), x: Metrics.margin, y: y, width: inner,
      builder.secondary(6), baseline: 5.8, pitch: 7.4, atMost: 10)
  }

  /// What the measures are.
  private var notes: [String] {
    let measures = Set(sheet.panels.map(\.measure))
    var notes: [String] = []
    if measures.contains(.loss) || measures.contains(.maxima) {
      notes.append(
        "Loss and largest attention: as the loss reads a word’s map (softmax of 100 × the mean "
          + "probability over the prompt’s tokens, smoothed), in the pass that predicts the noise.")
    }
    if measures.contains(.entropy) {
      notes.append(
        "Entropy: of a word’s map as a share of the largest possible, 1 for a uniform map.")
    }
    if measures.contains(.overlap) {
      notes.append(
        "Overlap: the soft Jaccard index of two words’ maps, 0 if disjoint and 1 if equal.")
    }
    if measures.contains(.entropy) || measures.contains(.overlap) {
      notes.append("Their maps at each step: \(sheet.recipe).")
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

  private var caption: String {
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
      alteredSteps > 0 && step == alteredSteps - 1 ? "the last altered step" : "the last step"
    let numbers = sheet.panels.map { panel in
      let each = series(panel).map { Self.number(of: $0, at: step) }
      return "\(Self.title(panel)) \(each.joined(separator: " against "))"
    }
    return "“\(sheet.prompt)” over \(sheet.steps) denoising steps: "
      + "\(methods.joined(separator: ", "))\(shown). At step \(step), \(place), in that order: "
      + "\(numbers.joined(separator: "; ")). "
      + (notes + sheet.gaps).joined(separator: " ")
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
