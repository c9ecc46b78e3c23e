internal import Diffusion
internal import TensorEngine

/// What shapes a vision transformer, as transformers' `vision_config` says.
struct VisionConfiguration: Sendable, Equatable {
  /// Numbers of a token.
  let width: Int
  /// Numbers of a token within a layer's feed-forward part.
  let hidden: Int
  let layers: Int
  let heads: Int
  /// Pixels of a patch's side.
  let patch: Int
  /// Pixels of the side of the squares that it was trained on.
  let side: Int
  let activation: Activation
  let epsilon: Float

  /// Patches of the side of a picture that it was trained on.
  var grid: Int { side / patch }

  /// Whether its layers' weights are more than caches hold: threads then read them once for one picture together,
  /// where each would read them for a picture of its own.
  var isLarge: Bool { layers * width * (4 * width + 2 * hidden) > 8 << 20 }

  /// What absent keys mean for a kind of model.
  struct Defaults {
    var side = 224
    var patch = 32
    var activation = "quick_gelu"
  }

  /// - Throws: `FileError` for a value of another type, `DiffusionError` for one Heed lacks.
  init(_ json: JSONNode, _ defaults: Defaults) throws {
    let config = ConfigurationReader(json)
    let channels = try config.integer("num_channels", default: 3)
    guard channels == 3 else {
      throw DiffusionError.unsupported(
        path: json.file, key: "num_channels", value: String(channels),
        supported: "pictures of 3 channels")
    }
    width = try config.integer("hidden_size", default: 768)
    hidden = try config.integer("intermediate_size", default: 3072)
    layers = try config.integer("num_hidden_layers", default: 12, in: ConfigurationReader.depth)
    heads = try config.integer("num_attention_heads", default: 12)
    patch = try config.integer("patch_size", default: defaults.patch)
    side = try config.integer("image_size", default: defaults.side, in: Self.sides)
    epsilon = Float(try config.positive("layer_norm_eps", default: 1e-5))
    activation = try Activation(config, default: defaults.activation)
    guard width % heads == 0 else {
      throw json.failure("hidden_size \(width) is not a multiple of \(heads) heads")
    }
    guard patch <= side else {
      throw json.failure("patch_size \(patch) is more than image_size \(side)")
    }
  }

  /// A shape that was checked.
  init(
    width: Int, hidden: Int, layers: Int, heads: Int, patch: Int, side: Int,
    activation: Activation, epsilon: Float = 1e-5
  ) {
    (self.width, self.hidden, self.layers, self.heads) = (width, hidden, layers, heads)
    (self.patch, self.side) = (patch, side)
    (self.activation, self.epsilon) = (activation, epsilon)
  }

  /// Pixels that a picture's side can have; more would be no evaluator.
  static let sides = 1...8192
}
