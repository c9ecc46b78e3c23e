public import AttentionAnalysis
public import AttentionTrace
internal import Drawing
internal import TensorEngine

/// One self-contained HTML page that shows recorded attention: a contact sheet of all runs, and any words,
/// step, layer, head and branch of them, two runs beside each other.
///
/// The page asks the network for nothing, and its content security policy allows it nothing but its
/// own script, style and pictures. The same runs give the same bytes, in whatever order they come. Without
/// JavaScript it is the contact sheet.
public struct AttentionReport: Sendable {
  /// The default budget: 8 MiB.
  public static let defaultBudget = 8 << 20

  /// The script's parts in their order.
  private static let scripts = [
    "maps", "state", "elements", "menu", "overlay", "views", "curves", "heads", "export", "page",
  ]

  /// What each run needs beside maps and pictures, in bytes: curves and names.
  private static let overheadPerRun = 16 << 10

  /// The file's bytes, UTF-8.
  public let html: [UInt8]
  /// The number of runs.
  public let runs: Int
  /// The number of different prompts.
  public let prompts: Int
  /// The number of tokens whose maps are kept, of all prompts together.
  public let tokens: Int
  /// The largest number of steps whose maps are kept of a run.
  public let steps: Int
  /// What cannot be shown, what is missing, and what the page omits although it was recorded, a line each;
  /// the page says it too.
  public let notes: [String]

  /// Makes a page of runs, by prompt.
  /// - Parameters:
  ///   - runs: at least one, in any order.
  ///   - budget: the size of the file to keep within, in bytes; heads at single steps and then steps
  ///     are left out for it.
  ///   - detections: what a detector says of the runs' pictures, whose boxes are drawn in them; `nil` for none.
  ///   - software: what makes the page, with the version.
  /// - Throws: `AnalysisError` when no run has the words' maps, `TraceError` and ``FigureError`` when a
  ///   file is damaged or the budget too small.
  public init(
    runs: [RecordedRun], budget: Int = AttentionReport.defaultBudget,
    detections: RunDetections? = nil, software: String
  ) throws {
    let choice = try ReportChoice(runs)
    let groups = choice.groups
    let recordings = groups.flatMap(\.recordings)
    let pictures = try groups.map { try $0.recordings.map { try ReportPicture($0, detections) } }
    let verdicts = try recordings.enumerated().flatMap { place, recording in
      try ReportVerdict.all(of: recording.run, at: place)
    }
    let sheet = try ReportSheet(groups, pictures: pictures, verdicts: verdicts)
    let parts = ["index": sheet.index, "sheet": try sheet.runs, "verdicts": sheet.verdictList]
    let template = try PageTemplate("Report", name: "report", scripts: Self.scripts)
    let fixed =
      template.size + parts.values.reduce(0) { $0 + $1.utf8.count }
      + recordings.count * Self.overheadPerRun + groups.count * Self.overheadPerRun / 2
      + pictures.joined().flatMap(\.frames).reduce(0) { $0 + $1.utf8.count }
    let plan = try ReportPlan(groups, budget: budget, fixed: fixed)
    notes =
      choice.leftOut + zip(recordings, groups.flatMap(\.names)).compactMap(Self.gaps)
      + plan.omissions
    let document = try ReportDocument(
      groups, pictures: pictures,
      worst: ReportVerdict.ranked(verdicts).first, plan)
    let texts = Set(groups.map(\.prompt))
    let title = texts.count == 1 ? groups[0].prompt : "\(texts.count) prompts"
    let page = template.filled(
      parts.merging([
        "title": MarkupText.title("\(title) – Heed"), "prompt": MarkupText.escaped(title),
        "notes": Self.list(notes), "software": MarkupText.escaped(software),
        "data": MarkupText.script(try document.json),
      ]) { $1 })
    html = Array(page.utf8)
    (self.runs, prompts) = (recordings.count, texts.count)
    tokens = groups.reduce(0) { $0 + Set($1.recordings.flatMap(\.tokens)).count }
    steps = plan.kept.map(\.steps.count).max() ?? 0
  }

  /// Writes the page to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  public func write(to path: String) throws {
    try writeAtomically(html, to: path, throughLinks: true)
  }

  private static func list(_ notes: [String]) -> String {
    notes.isEmpty
      ? ""
      : "<section aria-labelledby=\"notes-title\"><h2 id=\"notes-title\">Left out</h2><ul class=\"notes\">"
        + notes.map { "<li><bdi>\(MarkupText.escaped($0))</bdi></li>" }.joined()
        + "</ul></section>"
  }

  private static func gaps(_ recording: ReportRecording, _ name: String) -> String? {
    if recording.missing > 0 {
      return "\(name): \(recording.missing) recorded chunks are missing; their maps are not shown"
    }
    return recording.run.manifest.status == .complete
      ? nil : "\(name): the run is not complete; the page shows what was recorded so far"
  }
}
