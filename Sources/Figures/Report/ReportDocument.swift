import AttentionAnalysis
import AttentionTrace
internal import Drawing
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
    /// The text encoder that reads it; absent where the text has one encoder.
    let encoder: String?
  }

  struct Word: Encodable {
    let name: String
    let tokens: [Int]
  }

  /// What the runs of one prompt share.
  struct Prompt: Encodable {
    let text: String
    /// By branch of guidance, whose maps are of the tokens of its own text.
    let tokens: [String: [Token]]
    let subjects: [Word]
    let timesteps: [Double]
    let steps: [Int]
    let headSteps: [Int]
  }

  struct Curves: Encodable {
    let steps: [Int]
    /// By step; null for what is not a number.
    let loss: [Float?]
    /// `[subject][step]`, excitation scores.
    let scores: [[Float?]]
  }

  struct Layer: Encodable {
    let path: String
    let grid: Size
    let frames: Int
    /// Those that are there one by one.
    let heads: [Int]
    let branch: String
    /// See ``ReportMaps``.
    let stepMaps: String
    let headMaps: String
    let meanMaps: String
  }

  /// Where a detector sees a word in the picture.
  struct Box: Encodable {
    let word: String
    let score: String
    let isFound: Bool
    /// Left, top, right and bottom as shares of the picture's sides.
    let edges: [Double]
    /// `#RRGGBB`.
    let color: String
    /// The colour of type on it.
    let ink: String

    init?(_ box: PictureBox) {
      guard let finding = box.finding else { return nil }
      (word, edges) = (box.word, box.edges)
      score = NumberText.tick(finding.score, step: 0.01)
      isFound = finding.isFound != false
      let color = box.color ?? .black
      (self.color, ink) = (color.hex, color.textColor.hex)
    }
  }

  struct Run: Encodable {
    /// The place of its prompt.
    let prompt: Int
    let name: String
    /// As text: it may be greater than a script's numbers are exact for.
    let seed: String
    /// Whether it is the method that others are compared with, whose lines are dashed.
    let isPlain: Bool
    let isComplete: Bool
    let hasPicture: Bool
    /// Frames of a video; 1 for a picture.
    let frames: Int
    /// The pictures of the frames as `data:` addresses, or none.
    let framePictures: [String]
    /// A detector's boxes; absent where there are none.
    let boxes: [Box]?
    /// Width and height of the picture with boxes, in pixels.
    let boxedSize: [Int]?
    let tokens: [Int]
    let lossGrid: Size
    let curves: Curves
    let layers: [Layer]
  }

  /// Where the page opens.
  struct Place: Encodable {
    let run: Int
    let tokens: [Int]
  }

  let prompts: [Prompt]
  let runs: [Run]
  /// The most neglected subject.
  let worst: Place
  /// 256 colours of six hexadecimal digits.
  let colors: String
  /// The colours of words in their order, `#RRGGBB`.
  let words: [String]

  /// - Parameter worst: the verdict on the most neglected subject; `nil` without any.
  init(
    _ groups: [ReportGroup], pictures: [[ReportPicture]], worst: ReportVerdict?, _ plan: ReportPlan
  ) throws {
    prompts = zip(groups, plan.kept).map(Self.prompt)
    runs = try groups.indices.flatMap { group in
      try groups[group].recordings.indices.map { place in
        let recording = groups[group].recordings[place]
        let manifest = recording.run.manifest
        let picture = pictures[group][place]
        return Run(
          prompt: group, name: groups[group].names[place], seed: String(manifest.seed),
          isPlain: manifest.method.name == groups[group].baseline,
          isComplete: manifest.status == .complete, hasPicture: picture.dataURI != nil,
          frames: recording.run.frames, framePictures: picture.frames,
          boxes: picture.boxes.isEmpty ? nil : picture.boxes.compactMap(Box.init),
          boxedSize: picture.boxes.isEmpty ? nil : [picture.size.width, picture.size.height],
          tokens: recording.tokens, lossGrid: Size(manifest.method.grid),
          curves: try Self.curves(recording.run),
          layers: try Self.layers(recording, plan.kept[group]))
      }
    }
    let subjects = groups[0].manifest.subjects
    self.worst = Place(
      run: worst?.run ?? 0, tokens: worst?.subject.tokens ?? subjects.first?.tokens ?? [])
    colors = ColorMapTables.magma.map { String(format: "%06x", $0) }.joined()
    words = Palette.words.map(\.hex)
  }

  /// JSON whose bytes depend on the content alone.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  private static func prompt(_ group: ReportGroup, _ kept: ReportPlan.Kept) -> Prompt {
    let recorded = Set(group.recordings.flatMap(\.tokens))
    return Prompt(
      text: group.prompt,
      tokens: Dictionary(
        uniqueKeysWithValues: Set(group.recordings.flatMap(\.branches)).compactMap { branch in
          group.manifest.tokens(of: branch).map { (branch.rawValue, tokens($0, recorded)) }
        }),
      subjects: group.manifest.subjects.map { Word(name: $0.name, tokens: $0.tokens) },
      timesteps: group.manifest.timesteps, steps: kept.steps, headSteps: kept.headSteps)
  }

  private static func layers(
    _ recording: ReportRecording, _ kept: ReportPlan.Kept
  ) throws -> [Layer] {
    try recording.branches.flatMap { branch in
      try recording.sites.map { site in
        let maps = try ReportMaps(recording, site, branch, kept)
        return Layer(
          path: site.site.path, grid: Size(site.grid), frames: site.site.frames ?? 1,
          heads: site.singleHeads,
          branch: branch.rawValue, stepMaps: ReportMaps.base64(maps.steps),
          headMaps: ReportMaps.base64(maps.heads), meanMaps: ReportMaps.base64(maps.means))
      }
    }
  }

  private static func curves(_ run: RecordedRun) throws -> Curves {
    let points = try ExcitationScores(run).points
    func finite(_ value: Float?) -> Float? { value.flatMap { $0.isFinite ? $0 : nil } }
    return Curves(
      steps: points.map(\.call.step), loss: points.map { finite($0.loss) },
      scores: run.manifest.subjects.indices.map { subject in
        points.map { finite($0.scores[subject]) }
      })
  }

  /// A text's tokens in order, recorded or not, and special ones that were recorded.
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
        isSpecial: token.special != nil, isJoined: range?.lowerBound == end,
        encoder: encoder(of: token.index, in: table))
    }
  }

  /// The text encoder that reads a token; `nil` where the text has one encoder.
  private static func encoder(of token: Int, in table: TokenTable) -> String? {
    guard Set(table.segments.map(\.encoder)).count > 1 else { return nil }
    return table.segments.first { $0.indices.contains(token) }?.encoder
  }
}
