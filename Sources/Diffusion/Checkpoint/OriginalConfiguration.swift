internal import TensorEngine
internal import YAML

/// The configuration that CompVis and Stability published with a checkpoint of the original layout.
///
/// What it says is given as diffusers' configurations would say it.
///
/// - Reference: CompVis/stable-diffusion `configs/stable-diffusion/v1-inference.yaml`;
///   Stability-AI/stablediffusion `configs/stable-diffusion/v2-inference-v.yaml`.
struct OriginalConfiguration: Sendable {
  private let yaml: JSONNode
  private let parameters: JSONNode

  /// - Throws: `FileError` for a file that is not YAML, or not such a configuration.
  init(path: String) throws {
    yaml = try YAMLDocument.read(path: path)
    guard let parameters = try yaml.find(["model", "params"]) else {
      throw FileError(
        .malformed, path: path,
        reason: "expected the configuration of a latent diffusion model with model.params")
    }
    self.parameters = parameters
  }

  /// A configuration with the keys of `members`, without those that nothing is said of.
  private func node(_ members: [(String, JSONValue?)]) -> JSONNode {
    var index = NameIndex()
    var values: [JSONValue] = []
    for case (let key, let value?) in members where index.insert(key) { values.append(value) }
    return JSONNode(.object(JSONObject(index: index, values: values)), file: yaml.file)
  }

  /// The product of one number with each of a list, where both are there.
  private func widths(_ node: JSONNode?, _ base: String, _ factors: String) throws -> [Int]? {
    guard let base = try node?.optionalMember(base),
      let factors = try node?.optionalMember(factors)
    else { return nil }
    let width = try base.integer()
    return try factors.elements().map { factor in
      let (product, overflow) = width.multipliedReportingOverflow(by: try factor.integer())
      guard !overflow, product > 0 else { throw factor.failure("expected a width above 0") }
      return product
    }
  }

  func unet() throws -> JSONNode {
    let unet = try parameters.find(["unet_config", "params"])
    let widths = try widths(unet, "model_channels", "channel_mult")
    return node([
      ("in_channels", try unet?.optionalMember("in_channels")?.value),
      ("out_channels", try unet?.optionalMember("out_channels")?.value),
      ("block_out_channels", widths.map { .integers($0) }),
      ("layers_per_block", try unet?.optionalMember("num_res_blocks")?.value),
      ("cross_attention_dim", try unet?.optionalMember("context_dim")?.value),
      ("use_linear_projection", try unet?.optionalMember("use_linear_in_transformer")?.value),
      ("attention_head_dim", try heads(unet, widths)),
      ("sample_size", try parameters.optionalMember("image_size")?.value),
    ])
  }

  /// The number of heads, or for each level the number that its heads' width makes.
  private func heads(_ unet: JSONNode?, _ widths: [Int]?) throws -> JSONValue? {
    if let heads = try unet?.optionalMember("num_heads"), try heads.integer() != -1 {
      return heads.value
    }
    guard let node = try unet?.optionalMember("num_head_channels"), try node.integer() != -1,
      let widths
    else { return nil }
    let width = try node.integer()
    guard width > 0, widths.allSatisfy({ $0 % width == 0 }) else {
      throw node.failure("expected a divisor of the widths \(widths), got \(width)")
    }
    return .integers(widths.map { $0 / width })
  }

  func vae() throws -> JSONNode {
    let shape = try parameters.find(["first_stage_config", "params", "ddconfig"])
    return node([
      ("in_channels", try shape?.optionalMember("in_channels")?.value),
      ("out_channels", try shape?.optionalMember("out_ch")?.value),
      ("latent_channels", try shape?.optionalMember("z_channels")?.value),
      ("block_out_channels", try widths(shape, "ch", "ch_mult").map { .integers($0) }),
      ("layers_per_block", try shape?.optionalMember("num_res_blocks")?.value),
      ("scaling_factor", try parameters.optionalMember("scale_factor")?.value),
    ])
  }

  /// - Parameter layers: how many blocks the file holds.
  func text(layers: Int) throws -> JSONNode {
    let place = try parameters.find(["cond_stage_config", "params", "layer"])
    var used: JSONValue?
    switch try place?.string() {
    case "penultimate": used = .integer(max(layers - 1, 1))
    case "last": used = .integer(layers)
    case nil: break
    case let other?:
      throw DiffusionError.unsupported(
        path: yaml.file, key: "cond_stage_config.params.layer", value: other,
        supported: "last and penultimate")
    }
    return node([("num_hidden_layers", used)])
  }

  /// What the UNet predicts; `nil` where nothing is said, which the original code takes for noise.
  func prediction() throws -> Prediction? {
    guard let node = try parameters.optionalMember("parameterization") else { return nil }
    switch try node.string() {
    case "eps": return .epsilon
    case "v": return .velocity
    case "x0": return .sample
    case let other:
      throw DiffusionError.unsupported(
        path: yaml.file, key: "parameterization", value: other, supported: "eps, v and x0")
    }
  }

  func schedule() throws -> JSONNode {
    try ConfigurationReader(parameters).require("beta_schedule", "linear")
    return node([
      ("beta_start", try parameters.optionalMember("linear_start")?.value),
      ("beta_end", try parameters.optionalMember("linear_end")?.value),
      ("num_train_timesteps", try parameters.optionalMember("timesteps")?.value),
    ])
  }
}
