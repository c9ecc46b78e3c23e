internal import PromptText

/// `run.json` of format 1, which had the request's parts among the run's.
struct FirstFormat: Decodable {
  private struct Method: Decodable {
    let name: String
    let settings: [String: String]
    let alteredSteps: Int
    let thresholds: [Int: Double]
    let grid: Grid
    let rowsSumToOne: Bool?
  }

  private let status: RunManifest.Status
  private let tokens: TokenTable
  private let subjects: [Subject]
  private let seed: UInt64
  private let rng: String?
  private let height: Int
  private let width: Int
  private let steps: Int
  private let timesteps: [Double]
  private let guidanceScale: Double
  private let negativePrompt: String
  private let scheduler: [String: String]
  private let picture: RunManifest.Picture?
  private let method: Method
  private let model: RunManifest.Model
  private let plan: RecordingPlan?
  private let version: String
  private let commandLine: [String]
  private let date: String
  private let seconds: Double?
  private let passes: UNetPasses?

  /// The same run as today's formats have it; what format 1 did not say stays open.
  var manifest: RunManifest {
    let request = RunRequestRecord(
      prompt: tokens.prompt, negativePrompt: negativePrompt, seed: seed, rng: rng ?? "torch",
      size: "\(width)x\(height)", steps: steps, guidanceScale: guidanceScale,
      scheduler: scheduler["name"],
      picture: picture.map {
        .init(sha256: $0.sha256, fit: $0.fit, strength: $0.strength ?? 1)
      }, method: .init(name: method.name, knobs: method.settings),
      subjects: subjects.map(\.name), pieces: method.settings["pieces"] ?? "last",
      attentionResolution: method.settings["attention-resolution"],
      normalizeEot: method.settings["normalize-eot"].flatMap(Bool.init), recording: plan)
    var manifest = RunManifest(
      status: status, request: request, texts: texts, subjects: subjects,
      height: height, width: width, timesteps: timesteps, scheduler: scheduler, picture: picture,
      method: .init(
        name: method.name, alteredSteps: method.alteredSteps, thresholds: method.thresholds,
        grid: method.grid, rowsSumToOne: method.rowsSumToOne),
      model: model,
      provenance: RunProvenance(
        version: version, date: date, seconds: seconds, commandLine: commandLine))
    (manifest.format, manifest.passes) = (1, passes)
    return manifest
  }

  /// The prompt; an empty negative prompt too, whose tokens need no tokenizer.
  private var texts: [EncodedText] {
    [EncodedText(.prompt, tokens)]
      + (negativePrompt.isEmpty ? [EncodedText(.negative, Self.emptied(tokens))] : [])
  }

  /// The table of an empty text in the window of another: start, end, padding.
  private static func emptied(_ table: TokenTable) -> TokenTable {
    guard table.tokens.count > 2 else { return table }
    let end = table.tokens[table.end]
    let filler = table.tokens.last { $0.special == .padding } ?? end
    return TokenTable(
      prompt: "",
      tokens: table.tokens.indices.map { index in
        let (like, special): (TokenTable.Token, TokenTable.Token.Special) =
          index == 0 ? (table.tokens[0], .start) : index == 1 ? (end, .end) : (filler, .padding)
        return TokenTable.Token(
          index: index, id: like.id, piece: like.piece, range: nil, word: nil, special: special)
      }, words: [], leftOut: [])
  }
}
