internal import Diffusion
internal import Pictures
internal import PromptText
internal import TensorEngine

/// What BLIP's captioner and its question answerer have in common: how they see, and how they read.
struct BLIPParts: Sendable {
  /// What a checkpoint was made for, by the class that transformers saved it from.
  enum Task: String, CaseIterable, Sendable {
    case captions = "BlipForConditionalGeneration"
    case questions = "BlipForQuestionAnswering"
  }

  let title: String
  let preprocessing: PicturePreprocessing
  let tokenizer: WordPieceTokenizer
  let vision: VisionTransformer
  let text: BERTConfiguration

  /// Reads what both have of the checkpoint in a folder.
  ///
  /// - Parameter parameters: the folder's weights, of which the rest of the model is made, too.
  /// - Throws: `DiffusionError`, `FileError` or `TextError` for one that is damaged, not whole, or made for
  ///   another task.
  init(_ folder: EvaluatorFolder, for task: Task, _ parameters: Parameters) throws {
    title = folder.title
    let found = try Self.task(of: folder, parameters)
    guard found == task else {
      throw DiffusionError.wrongFile(
        path: folder.configuration.file, what: "a \(found.rawValue)",
        advice: "give the folder of a \(task.rawValue)")
    }
    let json = try folder.section("vision_config")
    try ConfigurationReader(json).require("model_type", "blip_vision_model")
    let shape = try VisionConfiguration(
      json, VisionConfiguration.Defaults(side: 384, patch: 16, activation: "gelu"))
    let words = try folder.section("text_config")
    try ConfigurationReader(words).require("model_type", "blip_text_model")
    text = try BERTConfiguration(words, contextWidth: shape.width)
    preprocessing = try PicturePreprocessing(folder: folder)
    tokenizer = try WordPieceTokenizer(folder: folder.path)
    vision = try VisionTransformer(
      ParameterScope(parameters)["vision_model"], shape, .blip)
  }

  /// What the checkpoint is for: what its configuration says, or else its weights do.
  static func task(of folder: EvaluatorFolder) throws -> Task {
    try task(of: folder, Parameters(folder.weights()))
  }

  private static func task(of folder: EvaluatorFolder, _ parameters: Parameters) throws -> Task {
    guard let node = try folder.configuration.optionalMember("architectures") else {
      return ParameterScope(parameters)["text_encoder"].exists ? .questions : .captions
    }
    let names = try node.strings()
    guard let task = names.lazy.compactMap(Task.init).first else {
      throw DiffusionError.unsupported(
        path: folder.configuration.file, key: "architectures",
        value: names.map(FileError.printable).joined(separator: ", "),
        supported: Task.allCases.map(\.rawValue).joined(separator: " and "))
    }
    return task
  }

  /// What the picture's patches say, `[1, 1 + cell, width]`.
  /// - Parameter pixels: `[1, channel, row, column]`.
  func states(ofPixels pixels: Tensor) throws -> Tensor { vision.postNorm(try vision(pixels)) }
}
