internal import Diffusion
internal import TensorEngine

/// A captioner against its goldens: pixels, scores of the prompt's next tokens, and captions, which must be the
/// same word for word.
struct BLIPCaptionerVerification: EvaluatorVerification {
  private let captioner: BLIPCaptioner
  private let golden: EvaluatorGolden
  private let tolerance: Double
  /// What captions begin with.
  private let start: [Int]
  /// By what is searched for.
  private let searches: [(name: String, settings: CaptionSettings)]

  /// - Parameter description: the file with the captions, beside the weights.
  init(
    _ folder: EvaluatorFolder, tolerance: Double, captions description: String = "golden.json"
  ) throws {
    captioner = try BLIPCaptioner(folder)
    golden = try EvaluatorGolden(folder: folder.path, description: description)
    self.tolerance = tolerance
    let prompt = try golden.json.member("prompt").string()
    start = captioner.start(of: prompt)
    let edition = try Self.edition(golden.json.member("made_with"))
    let captions = try golden.json.member(Self.captions)
    searches = try captions.object().keys.map { name in
      guard var settings = CaptionSettings(described: name) else {
        throw captions.failure(
          "the search \(FileError.quoted(name)) is not known; expected one as \"three beams, 5 to 30 tokens\" "
            + "or \"greedy, at most 20 tokens\"")
      }
      (settings.prompt, settings.edition) = (prompt, edition)
      return (name, settings)
    }
  }

  private static let captions = "captions"

  /// Whose rules the version of transformers that made the goldens goes by.
  private static func edition(_ node: JSONNode) throws -> CaptionSettings.Edition {
    let version = try node.member("transformers").string()
    let numbers = version.split(separator: ".").compactMap { Int($0) }
    guard numbers.count >= 2 else {
      throw try node.member("transformers").failure("expected a version as \"5.24.0\"")
    }
    return numbers[0] < 4 || (numbers[0] == 4 && numbers[1] < 36) ? .four : .five
  }

  var names: [String] {
    golden.tensors.names
      + searches.flatMap { search in
        golden.pictures.indices.map { "\(Self.captions).\($0): \(search.name)" }
      }
  }

  func verify(_ name: String) throws -> CheckpointVerification.Line {
    if name.hasPrefix("picture.") { return .input(name) }
    if name.hasPrefix("pixels.") {
      return try golden.pixelLine(name, captioner.parts.preprocessing)
    }
    if name == "logits" {
      let logits = try golden.pictures.map { picture in
        try captioner.logits(ofPixels: captioner.parts.preprocessing(picture), start)
      }
      return try golden.line(
        name, .concatenated(logits, axis: 0), unit: nil, tolerance: tolerance)
    }
    guard let colon = name.firstIndex(of: ":"), name.hasPrefix(Self.captions + "."),
      let number = Int(name[..<colon].dropFirst(Self.captions.count + 1)),
      golden.pictures.indices.contains(number),
      let search = searches.first(where: { $0.name == name[colon...].dropFirst(2) })
    else { return .unknown(name) }
    let isSame = try caption(number, search.name, search.settings)
    return CheckpointVerification.Line(
      name: name, error: isSame ? 0 : 1, range: 1, tolerance: 0)
  }

  /// Whether a picture's caption is the golden one, token by token and letter by letter.
  private func caption(
    _ number: Int, _ search: String, _ settings: CaptionSettings
  ) throws -> Bool {
    let all = try golden.json.member(Self.captions).member(search)
    let texts = try all.elements()
    guard texts.count == golden.pictures.count else {
      throw all.failure("expected \(golden.pictures.count) captions, got \(texts.count)")
    }
    let pixels = try captioner.parts.preprocessing(golden.pictures[number])
    let ids = try captioner.ids(ofPixels: pixels, after: start, settings)
    let text = captioner.text(of: ids, settings.edition)
    return try texts[number].member("ids").integers() == ids
      && texts[number].member("text").string() == text
  }
}

extension EvaluatorFolder {
  /// What verifies the BLIP model in this folder.
  func blipVerification(tolerance: Double) throws -> any EvaluatorVerification {
    switch try BLIPParts.task(of: self) {
    case .captions: try BLIPCaptionerVerification(self, tolerance: tolerance)
    case .questions: try BLIPQuestionAnswererVerification(self, tolerance: tolerance)
    }
  }

  /// What verifies the captioner in this folder against captions that another file than `golden.json`
  /// describes.
  /// - Throws: as ``verification(tolerance:)``.
  package func verification(captions description: String) throws -> any EvaluatorVerification {
    try BLIPCaptionerVerification(self, tolerance: 1e-4, captions: description)
  }
}

extension CaptionSettings {
  /// Words for numbers of beams, from 1 on.
  private static let numbers = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
  ]

  /// The settings of a search in words: "three beams, 5 to 30 tokens", "greedy, at most 20 tokens, repetition
  /// penalty 1.2".
  fileprivate init?(described text: String) {
    let pattern =
      /(?<beams>greedy|[a-z]+ beams), (at most |(?<minimum>[0-9]{1,4}) to )(?<maximum>[0-9]{1,4}) tokens(, repetition penalty (?<penalty>[0-9]+\.[0-9]+))?/
    guard let match = text.wholeMatch(of: pattern), let maximum = Int(match.maximum) else {
      return nil
    }
    var beams = 1
    if match.beams != "greedy" {
      guard let number = Self.numbers.firstIndex(of: String(match.beams.dropLast(6))) else {
        return nil
      }
      beams = number + 1
    }
    self.init(
      beams: beams, minimum: match.minimum.flatMap { Int($0) } ?? 0, maximum: maximum,
      repetitionPenalty: match.penalty.flatMap { Float($0) } ?? 1)
  }
}
