internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import PromptText

/// Several panels on one page: the prompt once, then rows of panels, each with its letter and caption.
struct SheetComposition {
  private static let letterHeight = 12.0

  let plan: SheetPlan
  let runs: [RecordedRun]
  let detections: RunDetections?
  let style: SheetStyle
  let software: String

  /// The pages: rows of panels below each other, and a row that is too high for one on several.
  var pages: [Scene] {
    get throws {
      guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
      return try style.pages { page, builder in
        let head = builder.head(first.manifest.tokens.prompt, width: page.inner)
        // What a panel may take of a page: all but the head, its letter and the number of the page.
        let room = page.usableHeight - head.height - 2 * Self.letterHeight
        var (parts, lines): ([[Scene]], [PageStack.Line]) = ([], [])
        for row in plan.rows {
          let share = (page.width - Metrics.blockGap * Double(row.count - 1)) / Double(row.count)
          let drawn = try row.map { panel in
            try self.pages(
              panel, PageSize(width: share, height: room - captionHeight(panel, share, builder)))
          }
          let letter = parts.count
          parts += drawn
          lines += (0..<(drawn.map(\.count).max() ?? 0)).map { number in
            PageStack.Line(
              part: builder.part { builder in
                var bottom = 0.0
                for (place, scenes) in drawn.enumerated() where number < scenes.count {
                  let end = draw(
                    scenes[number], row[place], letter: letter + place,
                    x: Double(place) * (share + Metrics.blockGap), &builder)
                  bottom = max(bottom, end)
                }
                return bottom + 6
              })
          }
        }
        let metadata = metadata(of: first, parts.map { $0[0] })
        let caption = caption(of: parts.map { $0[0] })
        let stack = PageStack(
          page: page, head: head, metadata: metadata,
          caption: FigureCaption(shown: caption.full))
        return try stack.scenes(lines, builder).map { scene in
          var scene = scene
          scene.unprintedCaption = caption.unprinted
          scene.warnings = (scene.warnings + parts.joined().flatMap(\.warnings)).reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
          }
          return scene
        }
      }
    }
  }

  /// A panel on pages of its own, in the units of layouts.
  private func pages(_ panel: SheetPlan.Panel, _ size: PageSize) throws -> [Scene] {
    var inner = style
    inner.width = size.width
    inner.height = size.height.isFinite ? size.height : nil
    inner.typeSize = SheetStyle().typeSize
    inner.words.isPart = true
    return try panel.pages(runs, detections, style: inner, software: software)
  }

  /// The room that a panel's caption takes below it.
  private func captionHeight(
    _ panel: SheetPlan.Panel, _ width: Double, _ builder: SceneBuilder
  ) -> Double {
    builder.part {
      $0.paragraph(
        panel.caption, x: 0, y: 0, width: width - 2 * Metrics.margin, .init(size: 7), baseline: 6.8,
        pitch: 8.6)
    }.height
  }

  /// Puts a panel and what belongs to it on the page, and returns the bottom of it.
  private func draw(
    _ part: Scene, _ panel: SheetPlan.Panel, letter: Int, x: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    let name = SceneBuilder.letter(letter)
    return builder.group("panel \(name)") { builder in
      var top = 0.0
      if plan.rows.joined().count > 1 {
        builder.text(
          name, x: x + Metrics.margin, y: 8.6, .init(size: 9, isBold: true))
        top += Self.letterHeight
      }
      for node in part.nodes { builder.add(node.scaled(by: 1, dx: x, dy: top)) }
      return builder.paragraph(
        panel.caption, x: x + Metrics.margin, y: top + part.height,
        width: part.width - 2 * Metrics.margin, .init(size: 7), baseline: 6.8, pitch: 8.6)
    }
  }

  private func caption(of parts: [Scene]) -> (full: String, unprinted: String) {
    let panels = plan.rows.joined()
    func joined(_ own: (SheetPlan.Panel, Scene) -> String) -> String {
      zip(panels, parts).enumerated().map { index, pair in
        let words = own(pair.0, pair.1)
        return words.isEmpty
          ? "" : (parts.count > 1 ? SceneBuilder.letter(index) + " " : "") + words
      }.filter { !$0.isEmpty }.joined(separator: " ")
    }
    return (
      joined { $0.caption.isEmpty ? $1.caption : $0.caption },
      joined { $0.caption.isEmpty ? $1.unprintedCaption : "" }
    )
  }

  private func metadata(of run: RecordedRun, _ parts: [Scene]) -> Scene.Metadata {
    Scene.Metadata(
      of: run.manifest, software: software,
      manifest: ["panels": .list(parts.map { .printed($0.metadata.manifest) })])
  }
}
