internal import TensorEngine

/// What the UNet of a single file predicts, and who says so.
///
/// Nothing in the weights of SD 2.x says it outright. In this order: the command line, a scheduler's
/// configuration, the YAML file, the file's own notes, the mark that some fine-tunes carry, the
/// number of training steps by which diffusers knows SD 2.0-base, and last the spread of one bias,
/// by which ComfyUI tells the two: it is above 0.09 in the checkpoints that predict velocity.
///
/// - Reference: diffusers `loaders/single_file_utils.py`, `_legacy_load_scheduler`; Stability's
///   ModelSpec 1.0, `modelspec.prediction_type`; comfyanonymous/ComfyUI
///   `comfy/supported_models.py`, `SD20.model_type`, and `v_pred` and `ztsnr` of `SDXL.model_type`.
struct PredictionSource {
  /// Tensors that say something of the schedule and are no weights.
  static let heeded: Set<String> = ["v_pred", "ztsnr", "global_step"]

  let prediction: Prediction
  /// What was concluded rather than read.
  let note: String?

  init(
    _ file: SafetensorsFile, _ family: OriginalShapes.Family, scheduler: JSONNode?,
    yaml: OriginalConfiguration?, chosen: Prediction?
  ) throws {
    if let known = try chosen ?? Self.known(file, scheduler, yaml) {
      (prediction, note) = (known, nil)
    } else if family != .two {
      (prediction, note) = (.epsilon, nil)
    } else {
      prediction = try Self.looksLikeVelocity(file) ? .velocity : .epsilon
      note =
        "the checkpoint does not say what the UNet predicts; assumed \(prediction.rawValue) from the "
        + "spread of \(Self.telling); another can be chosen"
    }
  }

  private static func known(
    _ file: SafetensorsFile, _ scheduler: JSONNode?, _ yaml: OriginalConfiguration?
  ) throws -> Prediction? {
    if let scheduler {
      return try scheduler.optionalMember("prediction_type").map(Self.prediction) ?? .epsilon
    }
    if let yaml { return try yaml.prediction() ?? .epsilon }
    switch file.metadata.first(where: { $0.key == "modelspec.prediction_type" })?.value {
    case "epsilon": return .epsilon
    case "v": return .velocity
    default: break
    }
    if file.entry("v_pred") != nil { return .velocity }
    if let steps = file.entry("global_step"), steps.count == 1, steps.type == .i64 {
      return try file.integers(steps.name) == [875_000] ? .epsilon : nil
    }
    return nil
  }

  private static func prediction(_ node: JSONNode) throws -> Prediction {
    let name = try node.string()
    guard let prediction = Prediction(rawValue: name) else {
      throw DiffusionError.unsupported(
        path: node.file, key: "prediction_type", value: name,
        supported: Prediction.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return prediction
  }

  private static let telling =
    "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"

  private static func looksLikeVelocity(_ file: SafetensorsFile) throws -> Bool {
    guard let entry = file.entry(telling), entry.count > 0 else { return false }
    let values = try file.tensor(telling).values.map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return variance.squareRoot() > 0.09
  }

  /// The side of the latents that the published checkpoint of this kind was trained at.
  func latentSide(_ family: OriginalShapes.Family) -> Int {
    switch family {
    case .one: 64
    case .two: prediction == .velocity ? 96 : 64
    case .xl: 128
    }
  }

  /// The scheduler's configuration: what is given, or what the published checkpoint ships with.
  ///
  /// - Parameter endsAtZero: whether the file says that it was trained to a time without signal.
  func schedule(
    _ family: OriginalShapes.Family, whole: JSONNode?, partial: JSONNode?, weights: String,
    endsAtZero: Bool = false
  ) throws -> JSONNode {
    var draft = ConfigurationDraft()
    let kind: SchedulerKind =
      family == .xl ? .euler : prediction == .velocity || endsAtZero ? .ddim : .pndm
    draft.assume("_class_name", .string(kind.className))
    draft.assume("beta_start", .number(0.00085))
    draft.assume("beta_end", .number(0.012))
    draft.assume("beta_schedule", .string("scaled_linear"))
    draft.assume("num_train_timesteps", .integer(1000))
    draft.assume("clip_sample", .bool(false))
    draft.assume("set_alpha_to_one", .bool(false))
    draft.assume("skip_prk_steps", .bool(true))
    draft.assume("steps_offset", .integer(1))
    draft.assume("prediction_type", .string(prediction.rawValue))
    if endsAtZero {
      draft.assume("rescale_betas_zero_snr", .bool(true))
      draft.assume("timestep_spacing", .string("trailing"))
    } else if family == .xl {
      draft.assume("timestep_spacing", .string("leading"))
    }
    return try draft.node(whole: whole, partial: partial, weights: weights)
  }
}
