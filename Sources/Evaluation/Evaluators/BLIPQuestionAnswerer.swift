internal import Diffusion
private import Glibc
package import Pictures
internal import PromptText
internal import TensorEngine

/// Says how sure it is that a picture shows what a phrase names: T2I-CompBench's BLIP-VQA.
///
/// A phrase is asked with a question mark after it. The answer is p(yes) / (p(yes) + p(no)) of the first
/// token of what the decoder writes.
///
/// - Reference: Huang et al., T2I-CompBench, NeurIPS 2023, section 4.1; its
///   `BLIPvqa_eval/models/blip_vqa.py`, `vqa_prob`, and `data/utils.py`, `pre_question`; transformers
///   `models/blip/modeling_blip.py`, `BlipForQuestionAnswering`.
package struct BLIPQuestionAnswerer: Sendable {
  let parts: BLIPParts
  private let reader: BERTModel
  private let decoder: BERTDecoder
  /// `[ENC]`, in the place of a question's first token.
  private let questionID: Int
  private let yesID, noID: Int
  /// How a picture becomes what the vision transformer reads.
  let preprocessing: PicturePreprocessing

  /// Pixels of a side in T2I-CompBench, whose checkpoint was trained with fewer.
  private static let officialSide = 480
  /// Pixels of a side of the checkpoints that T2I-CompBench's is one of.
  private static let trainedSide = 384
  /// The most tokens of a question, the first and the last included.
  private static let mostTokens = 35
  private static let mostWords = 50

  /// Reads the checkpoint in a folder as transformers saves it.
  ///
  /// - Parameter side: pixels of a side of what it looks at; `nil` for 480 where the checkpoint was trained
  ///   with 384, as T2I-CompBench has it, and for the checkpoint's own otherwise. Positions are
  ///   interpolated.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line, for one that is damaged, not whole,
  ///   or answers no questions.
  package init(folder: String, side: Int? = nil) throws {
    try self.init(EvaluatorFolder(folder, orEmbedded: "", of: [.blip]), side: side)
  }

  /// Reads the checkpoint in a folder that was looked at.
  /// - Throws: as ``init(folder:side:)``.
  package init(_ folder: EvaluatorFolder, side: Int? = nil) throws {
    let parameters = try Parameters(folder.weights())
    parts = try BLIPParts(folder, for: .questions, parameters)
    let (text, vision) = (parts.text, parts.vision.configuration)
    guard text.width == vision.width else {
      throw DiffusionError.unsupported(
        path: folder.configuration.file, key: "text_config.hidden_size", value: String(text.width),
        supported: "texts as wide as what the vision model says, here \(vision.width)")
    }
    let tokenizer = parts.tokenizer
    func id(_ word: String) throws -> Int {
      guard let id = tokenizer.id(of: word), id < text.vocabulary else {
        throw TextError.missingToken(folder: folder.path, role: "answer", token: word)
      }
      return id
    }
    (yesID, noID) = (try id("yes"), try id("no"))
    // BLIP adds [DEC] and [ENC] to BERT's vocabulary, and transformers' conversion leaves both out of it.
    let mark = tokenizer.id(of: "[ENC]") ?? text.startID + 1
    guard mark < text.vocabulary else {
      throw TextError.missingToken(folder: folder.path, role: "question token", token: "[ENC]")
    }
    questionID = mark
    let root = ParameterScope(parameters)
    reader = try BERTModel(root["text_encoder"], text)
    decoder = try BERTDecoder(root["text_decoder"], text)
    try parameters.finish()
    let trained = vision.side
    let side = side ?? (trained == Self.trainedSide ? Self.officialSide : trained)
    guard side >= vision.patch, VisionConfiguration.sides.contains(side) else {
      throw DiffusionError.invalidRequest(
        what: "a side of the pictures to ask about", got: String(side),
        expected: "\(vision.patch) to \(VisionConfiguration.sides.upperBound) pixels")
    }
    preprocessing = parts.preprocessing.of(side: side)
  }

  /// What it is called where scores are told.
  package var title: String { parts.title }

  /// How sure it is of each phrase, 0…1.
  ///
  /// T2I-CompBench's score of a picture is their product.
  /// - Throws: `EvaluationError` for a picture too narrow, `DiffusionError` when a result is not finite.
  package func answers(to phrases: [String], of picture: Picture) throws -> [Double] {
    try answers(toQuestions: phrases.map { $0 + "?" }, ofPixels: try preprocessing(picture))
  }

  /// The same of questions.
  /// - Parameter pixels: `[1, channel, row, column]`.
  func answers(toQuestions questions: [String], ofPixels pixels: Tensor) throws -> [Double] {
    let context = reader.context(try parts.states(ofPixels: pixels))
    return try questions.map { question in
      let states = try reader.encode(ids(of: question), context)
      var past = BERTModel.Past()
      let answer = try decoder.model.decode(
        [[decoder.configuration.startID]], decoder.model.context(states), past: &past)
      let scores = decoder.logits(answer).values
      // The softmax over all ids falls out of the quotient.
      return 1 / (1 + exp(Double(scores[noID]) - Double(scores[yesID])))
    }
  }

  /// The ids of a question.
  func ids(of question: String) -> [Int] {
    let words = parts.tokenizer.ids(of: Self.cleaned(question)).prefix(Self.mostTokens - 2)
    return [questionID] + words + [parts.tokenizer.separatorID]
  }

  /// A question in lower case without the signs that its checkpoint's data had none of, and not too long.
  private static func cleaned(_ question: String) -> String {
    var text = question.lowercased().filter { !".!\"()*#:;~".contains($0) }
    while text.last == " " { text.removeLast() }
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    return words.prefix(mostWords).joined(separator: " ")
  }
}

extension PicturePreprocessing {
  /// The same for squares of another side.
  fileprivate func of(side: Int) -> PicturePreprocessing {
    PicturePreprocessing(
      fit: fit, width: side, height: side, filter: filter, scale: scale, mean: mean,
      deviation: deviation)
  }
}
