internal import Diffusion
internal import TensorEngine

/// What shapes a CLIP of OpenCLIP's, from `open_clip_config.json`.
///
/// Keys that change what is computed, and that Heed does not know, are refused.
///
/// - Reference: mlfoundations/open_clip `src/open_clip/model.py`, `CLIPVisionCfg` and `CLIPTextCfg`.
struct OpenCLIPConfiguration {
  let text: TextConfiguration
  let vision: VisionConfiguration
  /// Numbers of a vector.
  let width: Int
  let preprocessing: PicturePreprocessing

  /// - Throws: `FileError` for a value of another type, `DiffusionError` for one Heed lacks.
  init(_ json: JSONNode) throws {
    let model = try json.member("model_cfg")
    try Self.require(
      model, read: ["embed_dim", "vision_cfg", "text_cfg", "quick_gelu"],
      harmless: ["init_logit_scale", "custom_text"])
    let config = ConfigurationReader(model)
    try config.requireFalse("custom_text")
    width = try config.integer("embed_dim", default: 512)
    let activation: Activation =
      try config.bool("quick_gelu", default: false) ? .quickGelu : .gelu
    vision = try Self.vision(model.member("vision_cfg"), activation)
    text = try Self.text(model.member("text_cfg"), activation)
    preprocessing = try PicturePreprocessing(
      openCLIP: json.optionalMember("preprocess_cfg"), side: vision.side)
  }

  private static func vision(
    _ json: JSONNode, _ activation: Activation
  ) throws -> VisionConfiguration {
    try require(
      json, read: ["image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio"],
      // What only training reads.
      harmless: ["patch_dropout"])
    let config = ConfigurationReader(json)
    let width = try config.integer("width", default: 768)
    let headWidth = try config.integer("head_width", default: 64)
    let hidden = Double(width) * (try config.positive("mlp_ratio", default: 4))
    guard width % headWidth == 0 else {
      throw json.failure("width \(width) is not a multiple of head_width \(headWidth)")
    }
    guard hidden >= 1, hidden <= Double(ConfigurationReader.extent.upperBound) else {
      throw try json.member("mlp_ratio").failure("expected a ratio that leaves 1…2²⁰ numbers")
    }
    let side = try config.integer("image_size", default: 224, in: VisionConfiguration.sides)
    let patch = try config.integer("patch_size", default: 16)
    guard patch <= side else {
      throw json.failure("patch_size \(patch) is more than image_size \(side)")
    }
    return VisionConfiguration(
      width: width, hidden: Int(hidden),
      layers: try config.integer("layers", default: 12, in: ConfigurationReader.depth),
      heads: width / headWidth, patch: patch, side: side, activation: activation)
  }

  private static func text(
    _ json: JSONNode, _ activation: Activation
  ) throws -> TextConfiguration {
    try require(
      json, read: ["context_length", "vocab_size", "width", "heads", "layers"], harmless: [])
    let config = ConfigurationReader(json)
    let width = try config.integer("width", default: 512)
    let heads = try config.integer("heads", default: 8)
    guard width % heads == 0 else {
      throw json.failure("width \(width) is not a multiple of \(heads) heads")
    }
    return TextConfiguration(
      vocabulary: try config.integer("vocab_size", default: 49408), width: width,
      layers: try config.integer("layers", default: 12, in: ConfigurationReader.depth),
      heads: heads, window: try config.integer("context_length", default: 77, in: 3...65_536),
      activation: activation)
  }

  /// Refuses keys that say something of a network that Heed does not run.
  private static func require(_ json: JSONNode, read: Set<String>, harmless: Set<String>) throws {
    for key in try json.object().keys where !read.union(harmless).contains(key) {
      guard let node = try json.optionalMember(key) else { continue }
      // False is what an absent key means.
      if node.value == .bool(false) { continue }
      throw DiffusionError.unsupported(
        path: json.file, key: FileError.printable(String(json.place.dropFirst()) + "." + key),
        value: FileError.printable(node.value.text),
        supported: "OpenCLIP's models of two plain transformers, without this key")
    }
  }
}
