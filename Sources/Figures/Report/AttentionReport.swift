internal import AttentionAnalysis
public import AttentionTrace
internal import Foundation
internal import Pictures
internal import TensorEngine

/// One self-contained HTML page that shows recorded attention: word, step, layer, head and branch by
/// choice, two runs beside each other, and without JavaScript a contact sheet.
///
/// The page asks the network for nothing, and its content security policy allows it nothing but its
/// own script, style and pictures. The same runs give the same bytes, in whatever order they come.
public struct AttentionReport: Sendable {
  /// The default budget: 8 MiB.
  public static let defaultBudget = 8 << 20

  /// What a page needs beside maps and its static part, in bytes: script, style and the prompt; and
  /// the curves and names of each run.
  private static let (overhead, overheadPerRun) = (96 << 10, 16 << 10)

  /// The file's bytes, UTF-8.
  public let html: [UInt8]
  /// The number of runs.
  public let runs: Int
  /// The number of tokens whose maps are kept.
  public let tokens: Int
  /// The number of steps whose maps are kept.
  public let steps: Int
  /// What the page omits although it was recorded, and what is missing, a line each; the page says it too.
  public let notes: [String]

  /// Makes a page of runs of one prompt, which differ in their method and seed at most.
  /// - Parameters:
  ///   - runs: at least one, in any order.
  ///   - budget: the size of the file to keep within, in bytes; heads at single steps and then steps
  ///     are left out for it.
  ///   - software: what makes the page, with the version.
  /// - Throws: `AnalysisError` when the runs do not belong together or lack the words' maps,
  ///   `TraceError` and ``FigureError`` when a file is damaged or the budget too small.
  public init(
    runs: [RecordedRun], budget: Int = AttentionReport.defaultBudget, software: String
  ) throws {
    let recordings = try Self.sorted(runs).map { try ReportRecording($0) }
    let pictures = try recordings.map(Self.picture)
    let sheet = try ReportSheet(recordings, pictures: pictures, software: software).html
    let fixed = sheet.utf8.count + Self.overhead + recordings.count * Self.overheadPerRun
    let plan = try ReportPlan(recordings, budget: budget, fixed: fixed)
    notes = plan.omissions + recordings.compactMap(Self.gaps)
    let document = try ReportDocument(recordings, pictures: pictures, plan)
    let page = try ReportTemplate().filled([
      "title": MarkupText.title(document.prompt), "prompt": MarkupText.escaped(document.prompt),
      "notes": Self.list(notes), "sheet": sheet, "data": MarkupText.script(try document.json),
    ])
    html = Array(page.utf8)
    self.runs = recordings.count
    tokens = Set(recordings.flatMap(\.tokens)).count
    steps = plan.steps.count
  }

  /// Writes the page to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  public func write(to path: String) throws {
    try writeAtomically(html, to: path, throughLinks: true)
  }

  private static func list(_ notes: [String]) -> String {
    notes.isEmpty
      ? ""
      : "<ul class=\"notes\">"
        + notes.map { "<li><bdi>\(MarkupText.escaped($0))</bdi></li>" }.joined() + "</ul>"
  }

  /// By seed, then by method, the plain one first.
  private static func sorted(_ runs: [RecordedRun]) throws -> [RecordedRun] {
    guard let first = runs.first else {
      throw AnalysisError.nothingSelected(run: "no run", what: "runs", recorded: "nothing")
    }
    for run in runs { try first.requireComparable(with: run) }
    func key(_ run: RecordedRun) -> (UInt64, Int, String, String) {
      let method = run.manifest.method
      return (
        run.manifest.seed, method.alteredSteps == 0 ? 0 : 1, method.name, run.manifest.date
      )
    }
    return runs.sorted { key($0) < key($1) }
  }

  /// The run's picture as a data URI; `nil` while there is none.
  private static func picture(_ recording: ReportRecording) throws -> String? {
    let path = recording.run.folder.image
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try PictureFile(path, transparency: .overWhite)
    return file.format == .png ? Picture.dataURI(of: file.bytes) : try file.picture.dataURI
  }

  private static func gaps(_ recording: ReportRecording) -> String? {
    let manifest = recording.run.manifest
    let run = "\(manifest.method.name), seed \(manifest.seed)"
    if recording.missing > 0 {
      return "\(run): \(recording.missing) recorded chunks are missing; their maps are not shown"
    }
    return manifest.status == .complete
      ? nil : "\(run): the run is not complete; the page shows what was recorded so far"
  }
}
