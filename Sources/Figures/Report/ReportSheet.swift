import AttentionAnalysis
import AttentionTrace
internal import Pictures

/// The part of a report that is there without a script: verdicts, and a contact sheet of pictures and
/// the subjects' maps on one scale.
struct ReportSheet {
  private let recordings: [ReportRecording]
  private let pictures: [String?]
  private let software: String
  /// Each run's maps of the subjects; `nil` where the loss's grid was not recorded.
  private let maps: [[SubjectMap]?]
  private let scale: ValueScale

  init(
    _ recordings: [ReportRecording], pictures: [String?], software: String
  ) throws {
    (self.recordings, self.pictures) = (recordings, pictures)
    self.software = software
    maps = try recordings.map(Self.subjectMaps)
    scale = ValueScale(covering: maps.flatMap { $0 ?? [] }.map(\.map))
  }

  var html: String {
    get throws {
      [
        try verdicts,
        "<section id=\"sheet\" aria-labelledby=\"sheet-title\">",
        "<h2 id=\"sheet-title\">Contact sheet</h2>",
        "<p>Pictures, and the mean of each subject’s attention over heads, the loss’s layers and all "
          + "steps, on one scale. With JavaScript this page also shows each word, step, layer and "
          + "head.</p>",
        try colorBar, "<div class=\"runs\">",
        try recordings.indices.map(figure).joined(separator: "\n"), "</div></section>",
        provenance,
      ].joined(separator: "\n")
    }
  }

  // MARK: - Parts

  private func title(_ run: Int) -> String {
    let manifest = recordings[run].run.manifest
    return "\(manifest.method.name), seed \(manifest.seed)"
  }

  private func figure(_ run: Int) throws -> String {
    let picture = pictures[run].map { data in
      "<figure><img id=\"picture-\(run)\" src=\"\(data)\" alt=\"Picture of "
        + "\(MarkupText.escaped(title(run)))\"><figcaption>picture</figcaption></figure>"
    }
    let subjects: [String] =
      try maps[run].map { maps in try maps.map(mapFigure) }
      ?? [
        "<p>No map of the subjects here: the layers at the loss’s grid were not recorded for the "
          + "prompt.</p>"
      ]
    return "<div class=\"sheet-run\"><h3>\(MarkupText.escaped(title(run)))</h3>"
      + "<div class=\"sheet-row\">\(picture ?? "<p>No picture yet.</p>")\(subjects.joined())</div></div>"
  }

  private func mapFigure(_ subject: SubjectMap) throws -> String {
    let peak = MapPeak(of: subject.map)
    let value = NumberText.value(Double(peak.value))
    let caption =
      "\(subject.subject.name): largest \(value) at row \(peak.row), column \(peak.column)"
    return "<figure><img class=\"map\" src=\"\(try dataURI(subject))\" alt=\"Attention map of "
      + "\(MarkupText.escaped(caption))\"><figcaption><bdi>\(MarkupText.escaped(subject.subject.name))"
      + "</bdi>: largest \(value) at row \(peak.row), column \(peak.column)</figcaption></figure>"
  }

  private func dataURI(_ subject: SubjectMap) throws -> String {
    // Pixels of a few cells would be blurred where a browser does not know `pixelated`.
    let enlarged = max(1, 128 / max(subject.grid.rows, subject.grid.columns))
    return try Self.png(
      rows: subject.grid.rows * enlarged, columns: subject.grid.columns * enlarged
    ) { row, column in
      let cell = row / enlarged * subject.grid.columns + column / enlarged
      return scale.fraction(of: Double(subject.values[cell]))
    }
  }

  private var colorBar: String {
    get throws {
      guard maps.contains(where: { $0 != nil }) else { return "" }
      let bar = try Self.png(rows: 1, columns: 256) { _, column in (Double(column) + 0.5) / 256 }
      let (lower, upper) = (NumberText.value(scale.lower), NumberText.value(scale.upper))
      return
        "<p class=\"sheet-bar\">\(lower) <img src=\"\(bar)\" alt=\"Colour scale from \(lower), "
        + "dark blue, to \(upper), yellow\"> \(upper)</p>"
    }
  }

  /// A picture of colours, as a data URI.
  private static func png(
    rows: Int, columns: Int, _ fraction: (Int, Int) -> Double
  ) throws -> String {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rows * columns * 3)
    for row in 0..<rows {
      for column in 0..<columns {
        let value = fraction(row, column)
        let color = ColorMap.viridis.color(at: value.isNaN ? 0 : value)
        pixels += [color.red, color.green, color.blue]
      }
    }
    return try Picture(width: columns, height: rows, pixels: pixels).dataURI
  }

  private var verdicts: String {
    get throws {
      let rows = try recordings.indices.flatMap { index -> [String] in
        guard !recordings[index].run.manifest.subjects.isEmpty else { return [] }
        let report = try NeglectReport(recordings[index].run)
        return report.subjects.map { subject in
          let cells = [
            report.manifest.method.name, String(report.manifest.seed), subject.subject.name,
            subject.verdict.rawValue, NumberText.value(Double(subject.late)), subject.reason,
          ]
          return "<tr class=\"\(subject.verdict.rawValue)\">"
            + cells.map { "<td><bdi>\(MarkupText.escaped($0))</bdi></td>" }.joined() + "</tr>"
        }
      }
      guard !rows.isEmpty else { return "" }
      let titles = ["Method", "Seed", "Subject", "Verdict", "Late", "Why"]
      return
        "<section aria-labelledby=\"verdicts-title\"><h2 id=\"verdicts-title\">Verdict on each "
        + "subject</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Verdicts\"><table>"
        + "<thead><tr>" + titles.map { "<th scope=\"col\">\($0)</th>" }.joined()
        + "</tr></thead><tbody>\n" + rows.joined(separator: "\n")
        + "</tbody></table></div></section>"
    }
  }

  private var provenance: String {
    let first = recordings[0].run.manifest
    let facts = [
      "\(first.model.name), \(first.width)×\(first.height) pixels",
      "\(first.timesteps.count) steps, guidance \(NumberText.plain(first.guidanceScale))",
      first.negativePrompt.isEmpty ? nil : "negative prompt “\(first.negativePrompt)”",
      software,
    ]
    return "<footer><p><bdi>"
      + MarkupText.escaped(facts.compactMap(\.self).joined(separator: "; ")) + "</bdi></p></footer>"
  }

  // MARK: - Maps

  private static func subjectMaps(_ recording: ReportRecording) throws -> [SubjectMap]? {
    let manifest = recording.run.manifest
    guard !manifest.subjects.isEmpty else { return nil }
    do {
      return try recording.run.maps(of: manifest.subjects, by: Recipe(layers: Recipe.lossGrid))
    } catch AnalysisError.nothingSelected {
      return nil
    }
  }
}
