internal import Diffusion
private import Glibc
package import Pictures
internal import PromptText
package import TensorEngine

/// CLIP: pictures and texts as vectors of one space, in which like is near to like.
///
/// - Reference: Radford et al., Learning Transferable Visual Models From Natural Language Supervision,
///   ICML 2021; transformers `models/clip/modeling_clip.py`, `CLIPModel`; mlfoundations/open_clip
///   `src/open_clip/model.py`, `CLIP`.
package struct CLIPModel: Sendable {
  let text: TextTower
  let vision: VisionTransformer
  let projection: Linear
  /// How a picture becomes what the vision transformer reads.
  package let preprocessing: PicturePreprocessing
  /// What a cosine is multiplied with to become a logit.
  package let logitScale: Float
  /// What it is called where scores are told.
  package let title: String

  /// Reads the model in a folder, in transformers' layout or OpenCLIP's.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line, for what is missing, damaged or not
  ///   run.
  package init(_ folder: EvaluatorFolder) throws {
    title = folder.title
    let shape = try Shape(folder)
    let weights = try folder.weights()
    let parameters =
      folder.isOpenCLIP
      ? try Parameters(
        weights,
        original: .openCLIPModel(
          visionLayers: shape.vision.layers, textLayers: shape.text.layers))
      : try Parameters(weights)
    let root = ParameterScope(parameters)
    let model = try CLIPTextModel(root["text_model"], shape.text)
    vision = try VisionTransformer(root["vision_model"], shape.vision, .clip)
    projection = try Self.projection(
      root["visual_projection"], shape.vision.width, shape.width, isOpen: folder.isOpenCLIP)
    let textProjection = try Self.projection(
      root["text_projection"], shape.text.width, shape.width, isOpen: folder.isOpenCLIP)
    let scale = try root.tensor("logit_scale", [])
    try parameters.finish()
    logitScale = exp(scale.item)
    let tokenizer = try folder.tokenizer(window: shape.text.window)
    text = TextTower(
      model: model, tokenizer: tokenizer, projection: textProjection,
      pooling: try shape.pooling(tokenizer, folder))
    preprocessing = shape.preprocessing
    try folder.requireSize(preprocessing, shape.vision)
  }

  /// A projection, which OpenCLIP stores as `[in, out]`.
  private static func projection(
    _ scope: ParameterScope, _ input: Int, _ output: Int, isOpen: Bool
  ) throws -> Linear {
    guard isOpen else { return try Linear(scope, input, output, bias: false) }
    let stored = try scope.tensor("weight", [input, output])
    return Linear(weight: Weight(stored.count == 0 ? stored : stored.transposed))
  }

  /// The vector of a picture, `[1, width]`, of length 1.
  /// - Throws: `EvaluationError` for a picture too narrow, `DiffusionError` when a result is not finite.
  package func vector(of picture: Picture) throws -> Tensor {
    try vectors(ofPixels: preprocessing(picture))
  }

  /// The vectors of preprocessed pictures `[picture, channel, row, column]`: `[picture, width]`.
  package func vectors(ofPixels pixels: Tensor) throws -> Tensor {
    let vectors = try projection(vision.postNorm(vision.classToken(pixels))).unitRows()
    try vectors.requireFinite("visual_projection")
    return vectors
  }

  /// What the vision transformer's last layer leaves of preprocessed pictures of any size, `[picture, 1 + patch,
  /// width]`.
  package func states(ofPixels pixels: Tensor) throws -> Tensor { try vision(pixels) }

  /// The vectors of texts, `[text, width]`, of length 1.
  /// - Precondition: there is at least one text.
  /// - Throws: `DiffusionError` when the tokenizer is another model's, or a result is not finite.
  package func vectors(of texts: [String]) throws -> Tensor { try text(texts) }
}

// MARK: - Shape

extension CLIPModel {
  /// What the folder's configuration says.
  struct Shape {
    let text: TextConfiguration
    let vision: VisionConfiguration
    /// Numbers of a vector.
    let width: Int
    let preprocessing: PicturePreprocessing
    /// The id of the end token; `nil` where a text's largest id is it.
    private let endID: Int?

    init(_ folder: EvaluatorFolder) throws {
      if folder.isOpenCLIP {
        let open = try OpenCLIPConfiguration(folder.configuration)
        (text, vision, width) = (open.text, open.vision, open.width)
        (preprocessing, endID) = (open.preprocessing, nil)
        return
      }
      let json = try folder.section("text_config")
      text = try TextConfiguration(json)
      let vision = try folder.section("vision_config")
      try ConfigurationReader(vision).require("model_type", "clip_vision_model")
      self.vision = try VisionConfiguration(vision, VisionConfiguration.Defaults())
      width = try ConfigurationReader(folder.configuration).integer("projection_dim", default: 512)
      preprocessing = try PicturePreprocessing(folder: folder)
      let end = try json.optionalMember("eos_token_id")?.integer() ?? 49407
      endID = end == 2 ? nil : end
    }

    /// Which position stands for a text.
    /// - Throws: `DiffusionError` when the tokenizer ends texts with another token than the model wants.
    func pooling(_ tokenizer: CLIPTokenizer, _ folder: EvaluatorFolder) throws -> TextTower.Pooling
    {
      guard let endID else { return .largest }
      guard endID == tokenizer.endID else {
        throw DiffusionError.unsupported(
          path: folder.configuration.file, key: "text_config.eos_token_id", value: String(endID),
          supported: "models whose tokenizer ends texts with it, here with \(tokenizer.endID)")
      }
      return .first(endID)
    }
  }
}

extension EvaluatorFolder {
  /// Refuses pictures of another size than the model's: transformers does, too.
  /// - Throws: `DiffusionError`.
  func requireSize(_ preprocessing: PicturePreprocessing, _ vision: VisionConfiguration) throws {
    guard preprocessing.width == vision.side, preprocessing.height == vision.side else {
      throw DiffusionError.unsupported(
        path: path, key: "the size of its processor's pictures",
        value: "\(preprocessing.width)x\(preprocessing.height)",
        supported: "pictures of the model's image_size, \(vision.side)")
    }
  }
}
