internal import Diffusion
private import Foundation
package import Pictures
internal import PromptText
internal import TensorEngine

/// Says in words what a picture shows.
///
/// - Reference: Li et al., BLIP, ICML 2022; transformers `models/blip/modeling_blip.py`,
///   `BlipForConditionalGeneration`; LAVIS `models/blip_models/blip_caption.py`.
package struct BLIPCaptioner: Sendable {
  let parts: BLIPParts
  private let decoder: BERTDecoder

  /// Reads the checkpoint in a folder as transformers saves it, or that which comes with Heed.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line, for one that is damaged, not whole,
  ///   or no captioner.
  package init(folder: String? = nil) throws {
    try self.init(EvaluatorFolder(folder, orEmbedded: "captioner", of: [.blip]))
  }

  /// Reads the checkpoint in a folder that was looked at.
  /// - Throws: as ``init(folder:)``.
  package init(_ folder: EvaluatorFolder) throws {
    let parameters = try Parameters(folder.weights())
    parts = try BLIPParts(folder, for: .captions, parameters)
    decoder = try BERTDecoder(ParameterScope(parameters)["text_decoder"], parts.text)
    try parameters.finish()
    try folder.requireSize(parts.preprocessing, parts.vision.configuration)
  }

  /// What it is called where scores are told.
  package var title: String { parts.title }

  /// What a picture shows, without the prompt that the caption begins with.
  /// - Throws: `EvaluationError` for a picture too narrow, `DiffusionError` for settings that are not
  ///   possible, or when a result is not finite.
  package func caption(
    of picture: Picture, _ settings: CaptionSettings = CaptionSettings()
  ) throws -> String {
    let start = start(of: settings.prompt)
    let ids = try ids(ofPixels: try parts.preprocessing(picture), after: start, settings)
    return text(of: Array(ids.dropFirst(start.count)), settings.edition)
  }

  /// The ids that a caption begins with: a prompt's, after `[DEC]`.
  func start(of prompt: String) -> [Int] {
    [parts.text.startID] + parts.tokenizer.ids(of: prompt)
  }

  /// The ids of a caption, with those that it begins with.
  /// - Parameter pixels: `[1, channel, row, column]`.
  func ids(
    ofPixels pixels: Tensor, after start: [Int], _ settings: CaptionSettings
  ) throws -> [Int] {
    try settings.require(
      start: start.count, positions: decoder.configuration.positions,
      vocabulary: decoder.configuration.vocabulary)
    let context = decoder.model.context(try parts.states(ofPixels: pixels))
    var past = BERTModel.Past()
    return try BeamSearch(settings: settings, end: decoder.configuration.endID)(start: start) {
      texts, parents in
      // The first call reads the start, every other one a token of each text.
      let isFirst = texts[0].count == start.count
      if !isFirst { past = past.texts(parents) }
      let new = isFirst ? texts : texts.map { Array($0.suffix(1)) }
      let states = try decoder.model.decode(new, context, past: &past)
      let last = states.sliced(axis: 1, states.shape[1] - 1..<states.shape[1])
      return decoder.logits(last.reshaped([texts.count, states.shape[2]]))
    }
  }

  /// The scores of every id after each token of a text, `[1, position, id]`.
  func logits(ofPixels pixels: Tensor, _ ids: [Int]) throws -> Tensor {
    var past = BERTModel.Past()
    let context = decoder.model.context(try parts.states(ofPixels: pixels))
    return decoder.logits(try decoder.model.decode([ids], context, past: &past))
  }

  /// Ids as text, without special tokens.
  ///
  /// By transformers 4 an apostrophe stands without the spaces around it, as it is the last step of its
  /// `decode`.
  func text(of ids: [Int], _ edition: CaptionSettings.Edition) -> String {
    let text = parts.tokenizer.text(of: ids)
    return edition == .four ? text.replacingOccurrences(of: " ' ", with: "'") : text
  }
}

extension CaptionSettings {
  /// - Throws: `DiffusionError` for numbers with which no caption can be found.
  fileprivate func require(start: Int, positions: Int, vocabulary: Int) throws {
    func require(_ holds: Bool, _ what: String, _ got: String, _ expected: String) throws {
      guard holds else {
        throw DiffusionError.invalidRequest(
          what: "a caption's " + what, got: got, expected: expected)
      }
    }
    let most = min(Self.mostBeams, max(1, vocabulary / 2))
    try require((1...most).contains(beams), "number of beams", String(beams), "1 to \(most)")
    try require(
      maximum > start && maximum <= positions, "largest number of tokens", String(maximum),
      "more than the \(start) of its prompt, and at most the captioner's \(positions) positions")
    try require(
      (0...maximum).contains(minimum), "smallest number of tokens", String(minimum),
      "0 to \(maximum), its largest number")
    try require(
      repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetition penalty",
      "\(repetitionPenalty)", "a number above 0")
  }
}
