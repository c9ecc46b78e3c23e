internal import Diffusion
internal import TensorEngine

/// A CLIP model against its goldens: pixels, token ids, vectors and cosines.
struct CLIPVerification: EvaluatorVerification {
  private let model: CLIPModel
  private let golden: EvaluatorGolden
  private let tolerance: Double
  private let texts: [String]
  /// `[picture, width]`.
  private let pictureVectors: Tensor
  /// `[text, width]`.
  private let textVectors: Tensor

  init(_ folder: EvaluatorFolder, tolerance: Double) throws {
    let model = try CLIPModel(folder)
    let golden = try EvaluatorGolden(folder: folder.path)
    (self.model, self.golden, self.tolerance) = (model, golden, tolerance)
    texts = try golden.texts("texts")
    pictureVectors = .concatenated(try golden.pictures.map(model.vector(of:)), axis: 0)
    textVectors = try model.vectors(of: texts)
  }

  var names: [String] { golden.tensors.names }

  func verify(_ name: String) throws -> CheckpointVerification.Line {
    switch name {
    case "token_ids": return try golden.idsLine(name, texts.map { model.text.ids(of: $0).ids })
    case "image_embeds":
      return try golden.line(name, pictureVectors, unit: 1, tolerance: tolerance)
    case "text_embeds": return try golden.line(name, textVectors, unit: 1, tolerance: tolerance)
    case "logits":
      let cosines = pictureVectors.linear(Weight(textVectors), nil)
      return try golden.line(
        name, cosines.affine(scale: model.logitScale), unit: Double(model.logitScale),
        tolerance: tolerance)
    case _ where name.hasPrefix("picture."): return .input(name)
    case _ where name.hasPrefix("pixels."): return try golden.pixelLine(name, model.preprocessing)
    default: return .unknown(name)
    }
  }
}
