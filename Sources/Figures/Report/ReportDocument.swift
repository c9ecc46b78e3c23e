import AttentionTrace
internal import Foundation
import PromptText

/// What a report's script reads: everything but the pictures.
struct ReportDocument: Encodable {
  struct Size: Encodable {
    let rows: Int
    let columns: Int

    init(_ grid: Grid) { (rows, columns) = (grid.rows, grid.columns) }
  }

  struct Token: Encodable {
    let index: Int
    /// The part of the prompt it covers, or what it stands for.
    let text: String
    let isSpecial: Bool
    /// Whether it goes on with the word of the token before.
    let isJoined: Bool
  }

  struct Curves: Encodable {
    let steps: [Int]
    /// By step; null for what is not a number.
    let loss: [Float?]
    /// `[subject][step]`.
    let largest: [[Float?]]
  }

  struct Layer: Encodable {
    let path: String
    let grid: Size
    let heads: [Int]
    let branch: String
    /// See ``ReportMaps``.
    let stepMaps: String
    let headMaps: String
    let meanMaps: String
  }

  struct Run: Encodable {
    let method: String
    /// As text: it may be greater than a script's numbers are exact for.
    let seed: String
    let isComplete: Bool
    let hasPicture: Bool
    let tokens: [Int]
    let curves: Curves
    let layers: [Layer]
  }

  let prompt: String
  let tokens: [Token]
  let subjects: [String]
  let firstSubjectToken: Int?
  let timesteps: [Double]
  let steps: [Int]
  let headSteps: [Int]
  let lossGrid: Size
  /// 256 colours of six hexadecimal digits.
  let colors: String
  let runs: [Run]

  init(_ recordings: [ReportRecording], pictures: [String?], _ plan: ReportPlan) throws {
    let manifest = recordings[0].run.manifest
    prompt = manifest.tokens.prompt
    tokens = Self.tokens(manifest.tokens, Set(recordings.flatMap(\.tokens)))
    subjects = manifest.subjects.map(\.name)
    firstSubjectToken = manifest.subjects.first?.tokens.first
    timesteps = manifest.timesteps
    (steps, headSteps) = (plan.steps, plan.headSteps)
    lossGrid = Size(manifest.method.grid)
    colors = ColorMapTables.viridis.map { String(format: "%06x", $0) }.joined()
    runs = try zip(recordings, pictures).map { recording, picture in
      let manifest = recording.run.manifest
      return Run(
        method: manifest.method.name, seed: String(manifest.seed),
        isComplete: manifest.status == .complete, hasPicture: picture != nil,
        tokens: recording.tokens, curves: Self.curves(recording.run),
        layers: try Self.layers(recording, plan))
    }
  }

  /// JSON whose bytes depend on the content alone.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  private static func layers(
    _ recording: ReportRecording, _ plan: ReportPlan
  ) throws -> [Layer] {
    try recording.branches.flatMap { branch in
      try recording.sites.map { site in
        let maps = try ReportMaps(recording, site, branch, plan)
        return Layer(
          path: site.site.path, grid: Size(site.site.grid), heads: site.heads,
          branch: branch.rawValue, stepMaps: ReportMaps.base64(maps.steps),
          headMaps: ReportMaps.base64(maps.heads), meanMaps: ReportMaps.base64(maps.means))
      }
    }
  }

  private static func curves(_ run: RecordedRun) -> Curves {
    let count = run.manifest.subjects.count
    let calls = run.noisePredictions.filter { $0.measurement?.maxima.count == count }
    func finite(_ value: Float?) -> Float? { value.flatMap { $0.isFinite ? $0 : nil } }
    return Curves(
      steps: calls.map(\.step), loss: calls.map { finite($0.measurement?.loss) },
      largest: (0..<count).map { subject in calls.map { finite($0.measurement?.maxima[subject]) } })
  }

  /// The prompt's tokens in order, recorded or not, and special ones that were recorded.
  private static func tokens(_ table: TokenTable, _ recorded: Set<Int>) -> [Token] {
    let prompt = Array(table.prompt.utf8)
    var end = -1
    return table.tokens.filter { $0.word != nil || recorded.contains($0.index) }.map { token in
      let range = token.range.map { $0.clamped(to: 0..<prompt.count) }
      defer { end = range?.upperBound ?? -1 }
      let piece = token.piece.hasSuffix("</w>") ? String(token.piece.dropLast(4)) : token.piece
      let covered = range.map { String(decoding: prompt[$0], as: UTF8.self) } ?? ""
      return Token(
        index: token.index,
        text: token.special?.rawValue ?? (covered.isEmpty ? piece : covered),
        isSpecial: token.special != nil, isJoined: range?.lowerBound == end)
    }
  }
}
