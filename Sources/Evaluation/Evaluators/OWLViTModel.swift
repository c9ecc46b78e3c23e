internal import Diffusion
private import Glibc
package import Pictures
internal import PromptText
package import TensorEngine

/// OWL-ViT and OWLv2: for each patch of a picture a box, and how well what is in it suits each of some texts.
///
/// - Reference: Minderer et al., Simple Open-Vocabulary Object Detection with Vision Transformers, ECCV
///   2022, and Scaling Open-Vocabulary Object Detection, NeurIPS 2023; transformers
///   `models/owlvit/modeling_owlvit.py` and `models/owlv2/modeling_owlv2.py`.
package struct OWLViTModel: Sendable {
  let text: TextTower
  let vision: VisionTransformer
  /// How a picture becomes what the vision transformer reads.
  package let preprocessing: PicturePreprocessing
  /// What it is called where scores are told.
  package let title: String
  /// Patches of a side of the picture.
  package let grid: Int
  private let norm: LayerNorm
  /// What a patch's features become to be compared with texts.
  private let classes: PackedLinear
  /// What is added to a patch's cosines, and what they are then multiplied with.
  private let shift, scale: Linear
  private let boxes: Head
  /// How much a patch holds any object at all; OWL-ViT has none.
  private let objectness: Head?

  /// Reads the model in a folder.
  /// - Throws: `DiffusionError`, `FileError` or `TextError`, in one line, for what is missing, damaged or not
  ///   run.
  package init(_ folder: EvaluatorFolder) throws {
    title = folder.title
    let kind = folder.kind
    let textJSON = try folder.section("text_config")
    let textShape = try TextConfiguration(textJSON, type: "\(kind.rawValue)_text_model", window: 16)
    let visionJSON = try folder.section("vision_config")
    try ConfigurationReader(visionJSON).require("model_type", "\(kind.rawValue)_vision_model")
    let shape = try VisionConfiguration(
      visionJSON, VisionConfiguration.Defaults(side: 768, patch: kind == .owlv2 ? 16 : 32))
    let projected = try ConfigurationReader(folder.configuration).integer(
      "projection_dim", default: 512)
    guard projected == textShape.width else {
      throw DiffusionError.unsupported(
        path: folder.configuration.file, key: "projection_dim", value: String(projected),
        supported: "detectors whose texts are as wide as they are projected, \(textShape.width)")
    }
    preprocessing = try PicturePreprocessing(folder: folder)
    try folder.requireSize(preprocessing, shape)
    grid = shape.grid
    let parameters = try Parameters(folder.weights())
    let root = ParameterScope(parameters)
    let (both, width) = (root[kind.rawValue], shape.width)
    let model = try CLIPTextModel(both["text_model"], textShape)
    let projection = try Linear(both["text_projection"], textShape.width, projected, bias: false)
    vision = try VisionTransformer(both["vision_model"], shape, .owl)
    norm = try LayerNorm(root["layer_norm"], width, epsilon: shape.epsilon)
    let head = root["class_head"]
    classes = PackedLinear(try Linear(head["dense0"], width, textShape.width))
    shift = try Linear(head["logit_shift"], width, 1)
    scale = try Linear(head["logit_scale"], width, 1)
    boxes = try Head(root["box_head"], width, 4)
    objectness = kind == .owlv2 ? try Head(root["objectness_head"], width, 1) : nil
    try parameters.finish()
    text = TextTower(
      model: model, tokenizer: try folder.tokenizer(window: textShape.window),
      projection: projection, pooling: .largest)
  }

  /// Three linear layers with gelu between them.
  private struct Head: Sendable {
    let layers: [PackedLinear]

    init(_ scope: ParameterScope, _ width: Int, _ output: Int) throws {
      layers = [
        try Linear(scope["dense0"], width, width), try Linear(scope["dense1"], width, width),
        try Linear(scope["dense2"], width, output),
      ].map(PackedLinear.init)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      layers.dropFirst().reduce(layers[0](x)) { $1($0.activated(.gelu)) }
    }
  }

  /// The vectors of texts, `[text, width]`, of length 1.
  /// - Precondition: there is at least one text.
  /// - Throws: `DiffusionError` when the tokenizer is another model's, or a result is not finite.
  package func vectors(of texts: [String]) throws -> Tensor { try text(texts) }

  /// The features of a picture's patches, `[patch, width]`, in rows from the top left.
  /// - Parameter pixels: one preprocessed picture, `[1, channel, row, column]`.
  package func features(ofPixels pixels: Tensor) throws -> Tensor {
    let states = vision.postNorm(try vision(pixels))
    let (tokens, width) = (states.shape[1], states.shape[2])
    let rows = states.reshaped([tokens, width])
    let picture = rows.sliced(axis: 0, 0..<1).reshaped([width])
    return norm(rows.sliced(axis: 0, 1..<tokens) * picture)
  }

  /// How well each patch suits each text, `[patch, text]`; a score is the sigmoid of it.
  /// - Parameters:
  ///   - features: those of a picture's patches.
  ///   - texts: their vectors, `[text, width]`.
  package func logits(_ features: Tensor, of texts: Tensor) throws -> Tensor {
    let cosines = classes(features).unitRows(epsilon: Self.epsilon).linear(
      Weight(texts.unitRows(epsilon: Self.epsilon)), nil)
    // 1 + elu(x): x + 1 above 0, and the exponential below.
    let x = scale(features)
    let factor = x.rectified + x.affine(scale: -1).rectified.affine(scale: -1).exponential
    let logits = cosines.shiftedRows(by: shift(features), times: factor)
    try logits.requireFinite("class_head")
    return logits
  }

  /// What is added to lengths by which vectors are divided.
  private static let epsilon: Float = 1e-6

  /// What the box head says of each patch, `[patch, 4]`, before the patch's own place is added.
  package func boxOffsets(_ features: Tensor) throws -> Tensor {
    let offsets = boxes(features)
    try offsets.requireFinite("box_head")
    return offsets
  }

  /// The logits of any object being in a patch's box, `[patch, 1]`; `nil` for OWL-ViT.
  package func objectness(_ features: Tensor) -> Tensor? { objectness?(features) }

  /// The box of a patch: centre x, centre y, width and height, as shares of the sides of what the model
  /// sees, which for OWLv2 is the padded square.
  /// - Parameter offsets: what ``boxOffsets(_:)`` gives.
  package func box(_ patch: Int, _ offsets: Tensor) -> [Double] {
    let side = Float(grid)
    let bias = [
      Self.logit(Float(patch % grid + 1) / side), Self.logit(Float(patch / grid + 1) / side),
      Self.logit(1 / side), Self.logit(1 / side),
    ]
    return offsets.sliced(axis: 0, patch..<patch + 1).withSpan { offsets in
      bias.indices.map { Self.sigmoid(offsets[$0] + bias[$0]) }
    }
  }

  /// The number whose sigmoid is `share`, in 0…1, finite at both ends.
  private static func logit(_ share: Float) -> Float { log(share + 1e-4) - log1p(-share + 1e-4) }

  /// The score of a logit, 0…1.
  package static func sigmoid(_ logit: Float) -> Double { 1 / (1 + exp(-Double(logit))) }

  /// A box as the model sees it, as the left, top, right and bottom of the picture's own sides.
  ///
  /// They are not cut at 0 and 1, as in transformers: an object may stand over the edge.
  package func corners(_ box: [Double], of picture: Picture) -> [Double] {
    let (x, y): (Double, Double)
    switch preprocessing.fit {
    case .padded:
      let side = Double(max(picture.width, picture.height))
      (x, y) = (side / Double(picture.width), side / Double(picture.height))
    case .squashed, .cropped: (x, y) = (1, 1)
    }
    return [
      (box[0] - box[2] / 2) * x, (box[1] - box[3] / 2) * y, (box[0] + box[2] / 2) * x,
      (box[1] + box[3] / 2) * y,
    ]
  }
}
