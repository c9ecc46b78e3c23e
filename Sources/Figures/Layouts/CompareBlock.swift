internal import Pictures

/// A seed's block: title, panels of both methods, curves.
extension CompareLayout {
  /// Draws the block of a seed and returns its bottom.
  func drawBlock(
    _ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let seed = sheet.seeds[index]
    return builder.group("seed \(seed.seed)") { builder in
      drawTitle(index, x: x, y: y, &builder)
      let top = y + 13
      let bottom =
        switch arrangement {
        case .rows: drawRows(seed, x: x, y: top, &builder)
        case .pairs: drawPairs(seed, x: x, y: top, &builder)
        }
      return hasCurves ? drawCurves(seed, x: x, y: bottom + 3, &builder) : bottom
    }
  }

  private func drawTitle(_ index: Int, x: Double, y: Double, _ builder: inout SceneBuilder) {
    let seed = sheet.seeds[index]
    let letter = builder.text(
      builder.mark(index), x: x, y: y + 8.6, .init(size: 9, isBold: true))
    let name = builder.text(
      "seed \(seed.seed)", x: letter.maxX + 4, y: y + 8.6, .init(size: 8))
    let tries = seed.excited.refinementTries.values.reduce(0, +)
    let altered = "\(sheet.alteredSteps) of \(sheet.steps) steps altered"
    builder.text(
      tries == 0 ? altered : "\(altered), \(tries) refinement \(tries == 1 ? "try" : "tries")",
      x: x + blockWidth, y: y + 8.6, builder.secondary(6.5), .trailing,
      width: x + blockWidth - name.maxX - 6)
  }

  private func drawRows(
    _ seed: CompareSheet.Seed, x: Double, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let left = x + Metrics.gutter
    drawColumnLabels(x: left, y: y, &builder)
    var top = y + Metrics.columnLabelHeight
    for (name, run) in [(sheet.plainName, seed.plain), (sheet.excitedName, seed.excited)] {
      builder.group(name) { builder in
        drawMethodName(name, x: x + 6.6, y: top, &builder)
        drawPanels(run, x: left, y: top, &builder)
      }
      top += panelHeight + Metrics.rowPitch
    }
    return top
  }

  /// Beside its panels, in the largest type that fits; beside their strips too if it must.
  private func drawMethodName(
    _ name: String, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    let heights = [panelHeight, panelHeight + Metrics.stripHeight]
    for height in heights {
      if let size = builder.size(of: name, from: [7, 6.5, 6], width: height) {
        builder.verticalText(name, x: x, y: y + height / 2, .init(size: size), height: height)
        return
      }
    }
    builder.verticalText(
      name, x: x, y: y + heights[1] / 2, .init(size: 6), height: heights[1])
  }

  private func drawPairs(
    _ seed: CompareSheet.Seed, x: Double, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    var left = x
    for (name, run) in [(sheet.plainName, seed.plain), (sheet.excitedName, seed.excited)] {
      builder.group(name) { builder in
        builder.text(
          name, x: left + pairWidth / 2, y: y + 7, .init(size: 8), .center, width: pairWidth)
        builder.line(
          [Scene.Point(left, y + 10.5), Scene.Point(left + pairWidth, y + 10.5)],
          builder.rule(0.5))
        drawColumnLabels(x: left, y: y + 12, &builder)
        drawPanels(run, x: left, y: y + 12 + Metrics.columnLabelHeight, &builder)
      }
      left += pairWidth + Metrics.blockGap
    }
    return y + 12 + Metrics.columnLabelHeight + panelHeight + Metrics.rowPitch
  }

  private func drawColumnLabels(x: Double, y: Double, _ builder: inout SceneBuilder) {
    let labels = [("image", "")] + sheet.subjects.map { ($0.name, $0.tokens) }
    for (column, (name, tokens)) in labels.enumerated() {
      let center =
        x + Double(column) * (panelWidth + Metrics.panelGap) + panelWidth / 2
      builder.columnLabel(name, tokens: tokens, center: center, y: y, width: panelWidth)
    }
  }

  private func drawPanels(
    _ run: CompareSheet.Run, x: Double, y: Double, _ builder: inout SceneBuilder
  ) {
    func frame(_ column: Int) -> Scene.Rect {
      let left = x + Double(column) * (panelWidth + Metrics.panelGap)
      return Scene.Rect(x: left, y: y, width: panelWidth, height: panelHeight)
        .inscribed(run.image)
    }
    builder.group("image") { builder in
      builder.add(.image(run.image, frame(0)))
      builder.rectangle(frame(0), stroke: builder.rule(0.4))
    }
    for (index, map) in run.maps.enumerated() {
      builder.group("map \(sheet.subjects[index].name)") { builder in
        MapPanel(map: map, image: run.image, shared: scale, style: style)
          .draw(in: frame(index + 1), &builder)
      }
    }
  }

  private func drawCurves(
    _ seed: CompareSheet.Seed, x: Double, y: Double, _ builder: inout SceneBuilder
  ) -> Double {
    let plotHeight = arrangement == .pairs ? 58.0 : 44.0
    let frame = Scene.Rect(
      x: x, y: y, width: (blockWidth - Metrics.blockGap) / 2,
      height: plotHeight + StepChart.topMargin + Axes.bottomMargin)
    builder.group("curve loss") { lossChart(seed).draw(in: frame, &$0) }
    var second = frame
    second.x += frame.width + Metrics.blockGap
    builder.group("curve attention") { attentionChart(seed).draw(in: second, &$0) }
    return frame.maxY
  }

  private func lossChart(_ seed: CompareSheet.Seed) -> StepChart {
    StepChart(
      title: "loss", steps: sheet.steps,
      series: [
        StepChart.Series(values: seed.plain.loss, line: .plain),
        StepChart.Series(
          values: seed.excited.loss, line: .excited,
          tries: seed.excited.refinementLosses),
      ],
      targets: sheet.thresholds.mapValues { max(0, 1 - $0) },
      tries: seed.excited.refinementTries, alteredSteps: sheet.alteredSteps)
  }

  private func attentionChart(_ seed: CompareSheet.Seed) -> StepChart {
    var series: [StepChart.Series] = []
    for (line, curves) in [
      (MethodLine.plain, seed.plain.attention), (.excited, seed.excited.attention),
    ] {
      for (index, values) in curves.enumerated() {
        series.append(
          StepChart.Series(
            values: values, color: Color.lines[index], line: line,
            marker: Marker.allCases[index]))
      }
    }
    return StepChart(
      title: sheet.curveLabel, steps: sheet.steps, series: series, targets: sheet.thresholds,
      tries: seed.excited.refinementTries, alteredSteps: sheet.alteredSteps)
  }
}
