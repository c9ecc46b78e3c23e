internal import AttentionTrace
internal import PromptText

/// Several panels on one page: the prompt once, then rows of panels, each with its letter and caption.
struct SheetComposition {
  private static let letterHeight = 12.0

  let plan: SheetPlan
  let runs: [RecordedRun]
  let style: SheetStyle
  let software: String

  /// The page.
  var scene: Scene {
    get throws {
      guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
      return try style.page { width, builder in
        var builder = builder
        let inner = width - 2 * Metrics.margin
        var bottom = builder.group("prompt") {
          $0.prompt(first.manifest.tokens.prompt, margin: Metrics.margin, width: inner)
        }
        var parts: [Scene] = []
        for row in plan.rows {
          let share = (width - Metrics.blockGap * Double(row.count - 1)) / Double(row.count)
          let top = bottom
          for (place, panel) in row.enumerated() {
            let part = try self.part(panel, width: share)
            parts.append(part)
            let end = draw(
              part, panel, letter: parts.count - 1, x: Double(place) * (share + Metrics.blockGap),
              y: top,
              &builder)
            bottom = max(bottom, end)
          }
          bottom += 6
        }
        var page = builder.scene(
          width: width, bottom: bottom - 6, metadata: metadata(of: first, parts),
          caption: caption(of: parts))
        page.warnings = (page.warnings + parts.flatMap(\.warnings)).reduce(into: []) {
          if !$0.contains($1) { $0.append($1) }
        }
        return page
      }
    }
  }

  /// A panel on a page of its own, in the units of layouts.
  private func part(_ panel: SheetPlan.Panel, width: Double) throws -> Scene {
    var inner = style
    inner.width = width
    inner.typeSize = SheetStyle().typeSize
    inner.isPart = true
    return try panel.scene(runs, style: inner, software: software)
  }

  /// Puts a panel and what belongs to it on the page, and returns the bottom of it.
  private func draw(
    _ part: Scene, _ panel: SheetPlan.Panel, letter: Int, x: Double, y: Double,
    _ builder: inout SceneBuilder
  ) -> Double {
    let name = SceneBuilder.letter(letter)
    return builder.group("panel \(name)") { builder in
      var top = y
      if plan.rows.joined().count > 1 {
        builder.text(
          name, x: x + Metrics.margin, y: y + 8.6, .init(size: 9, isBold: true))
        top += Self.letterHeight
      }
      for node in part.nodes { builder.add(node.scaled(by: 1, dx: x, dy: top)) }
      return builder.paragraph(
        panel.caption, x: x + Metrics.margin, y: top + part.height,
        width: part.width - 2 * Metrics.margin, .init(size: 7), baseline: 6.8, pitch: 8.6,
        atMost: 12)
    }
  }

  private func caption(of parts: [Scene]) -> String {
    let panels = plan.rows.joined()
    return zip(panels, parts).enumerated().map { index, pair in
      (parts.count > 1 ? SceneBuilder.letter(index) + " " : "")
        + (pair.0.caption.isEmpty ? pair.1.caption : pair.0.caption)
    }.joined(separator: " ")
  }

  private func metadata(of run: RecordedRun, _ parts: [Scene]) -> Scene.Metadata {
    Scene.Metadata(
      of: run.manifest, software: software,
      manifest: ["panels": .list(parts.map { .printed($0.metadata.manifest) })])
  }
}
