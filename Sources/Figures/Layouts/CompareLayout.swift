internal import AttentionAnalysis
internal import Pictures

extension CompareSheet {
  /// Lays the sheet out on a page of its own height.
  /// - Returns: The scene; its warnings name characters that the fonts lack.
  /// - Throws: ``FigureError`` if the parts do not belong together, the width is too small, or a
  ///   font is missing.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try validate()
    try style.maps.validate(isDifference: false)
    return try style.page { width, builder in
      try CompareLayout(
        sheet: self, width: width, style: style.maps,
        scale: style.maps.scale(of: maps, isDifference: false)
      ).scene(builder)
    }
  }
}

/// Places the parts of a ``CompareSheet``: a block for each seed, then the key.
struct CompareLayout {
  /// How the methods of a block lie.
  enum Arrangement {
    /// Side by side, for a single seed over the full width.
    case pairs
    /// One below the other, their panels in columns.
    case rows
  }

  let sheet: CompareSheet
  let width: Double
  let style: MapStyle
  let scale: ValueScale

  var inner: Double { width - 2 * Metrics.margin }
  var panelsPerRow: Int { sheet.subjects.count + 1 }
  var blockColumns: Int { width >= Metrics.twoBlocks && sheet.seeds.count > 1 ? 2 : 1 }
  var blockWidth: Double {
    (inner - Metrics.blockGap * Double(blockColumns - 1)) / Double(blockColumns)
  }
  var pairWidth: Double { (blockWidth - Metrics.blockGap) / 2 }

  var arrangement: Arrangement {
    blockColumns == 1 && panelWidth(.pairs) >= 52 ? .pairs : .rows
  }

  func panelWidth(_ arrangement: Arrangement) -> Double {
    let room = arrangement == .pairs ? pairWidth : blockWidth - Metrics.gutter
    return (room - Metrics.panelGap * Double(panelsPerRow - 1)) / Double(panelsPerRow)
  }

  var panelWidth: Double { panelWidth(arrangement) }

  /// Height of a panel's picture; the first one's shape is everyone's.
  var panelHeight: Double {
    let image = sheet.seeds[0].plain.image
    return panelWidth * Double(image.height) / Double(image.width)
  }

  var hasCurves: Bool {
    sheet.seeds.contains { seed in
      [seed.plain, seed.excited].contains { !$0.loss.isEmpty || !$0.attention.isEmpty }
    }
  }

  func scene(_ builder: SceneBuilder) throws -> Scene {
    try checkWidth()
    var builder = builder
    var bottom = builder.group("prompt") {
      $0.prompt(sheet.prompt, margin: Metrics.margin, width: inner)
    }
    var keyIsDrawn = false
    for first in stride(from: 0, to: sheet.seeds.count, by: blockColumns) {
      let top = bottom
      for column in 0..<blockColumns {
        let x = Metrics.margin + Double(column) * (blockWidth + Metrics.blockGap)
        let index = first + column
        if index < sheet.seeds.count {
          bottom = max(bottom, drawBlock(index, x: x, y: top, &builder))
        } else {
          // An odd number of seeds leaves room beside the last one.
          let key = builder.group("key") { drawKey(x: x, y: top + 14, width: blockWidth, &$0) }
          bottom = max(bottom, key)
          keyIsDrawn = true
        }
      }
      bottom += 7
    }
    if !keyIsDrawn {
      bottom = builder.group("key") { drawWideKey(y: bottom, &$0) }
    }
    return builder.scene(
      width: width, bottom: bottom, metadata: sheet.metadata, caption: caption)
  }

  private var caption: String {
    Scene.caption(
      sheet.prompt,
      "pictures and maps of \(sheet.plainName) and \(sheet.excitedName) from the same noise "
        + Scene.list("seed", sheet.seeds.map { String($0.seed) }),
      quantity: sheet.recipe, scale: scale, style: style, strip: "the largest value")
      + (sheet.curveNote.isEmpty ? "" : " " + sheet.curveNote)
  }

  private func checkWidth() throws {
    let gaps = Metrics.panelGap * Double(panelsPerRow - 1)
    let panels = Metrics.gutter + gaps + Metrics.smallestPanel * Double(panelsPerRow)
    let needed = (max(panels, Metrics.smallestBlock) + 2 * Metrics.margin).rounded(.up)
    guard width >= needed else { throw FigureError.tooNarrow(width: width, needed: needed) }
  }

  /// Colour bar and legend side by side where there is room, the note below.
  private func drawWideKey(y: Double, _ builder: inout SceneBuilder) -> Double {
    guard width >= Metrics.twoBlocks else {
      return drawKey(x: Metrics.margin, y: y, width: inner, &builder)
    }
    let half = (inner - Metrics.blockGap) / 2
    let bar = drawColorBar(x: Metrics.margin, y: y, width: half, &builder)
    let legend = drawLegend(
      x: Metrics.margin + half + Metrics.blockGap, y: y, width: half, &builder)
    return drawNote(x: Metrics.margin, y: max(bar, legend) + 2, width: inner, &builder)
  }

  private func drawKey(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let bar = drawColorBar(x: x, y: y, width: width, &builder)
    let legend = drawLegend(x: x, y: bar + 3, width: width, &builder)
    return drawNote(x: x, y: legend + 2, width: width, &builder)
  }

  private func drawColorBar(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    key.drawBar(x: x, y: y, width: width, &builder)
  }

  private func drawLegend(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    builder.group("legend") {
      Legend(entries: legendEntries).draw(x: x, y: y, width: width, &$0)
    }
  }

  private func drawNote(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    key.drawNote(x: x, y: y, width: width, &builder)
  }

  private var key: MapKey {
    MapKey(
      maps: sheet.maps, quantity: sheet.recipe, scale: scale, style: style,
      note: sheet.curveNote)
  }

  private var legendEntries: [Legend.Entry] {
    var entries: [Legend.Entry] = []
    if hasCurves {
      entries += [
        Legend.line(.plain, nil, nil, sheet.plainName),
        Legend.line(.excited, nil, nil, sheet.excitedName),
      ]
      for (index, subject) in sheet.subjects.enumerated() {
        entries.append(
          Legend.line(
            .excited, Color.lines[index], Marker.allCases[index], subject.name))
      }
      if !sheet.thresholds.isEmpty {
        entries.append(Legend.target("threshold at its step (loss: 1 − threshold)"))
      }
      if sheet.seeds.contains(where: { $0.excited.refinementTries.values.contains { $0 > 0 } }) {
        entries.append(Legend.word("×n", "refinement tries at a step"))
      }
      if sheet.seeds.contains(where: { !$0.excited.refinementLosses.isEmpty }) {
        entries.append(Legend.tries("loss in refinement"))
      }
      if sheet.alteredSteps < sheet.steps {
        entries.append(Legend.shade("after the last altered step"))
      }
    }
    if sheet.maps.contains(where: { $0.values.contains { !$0.isFinite } }) {
      entries.append(Legend.hatch("no value"))
    }
    return entries
  }
}
