import Diffusion
import Foundation
import TensorEngine
import Testing

/// What becomes of a key of a configuration that is not at its default.
enum KeyTreatment: Sendable {
  /// It changes what is computed; beside it, other keys without which it would change nothing.
  case honoured(String, beside: [String: String] = [:])
  /// It changes nothing.
  case withoutEffect(String)
  /// One line names the key, its value and the file.
  case refused(String)
}

@Suite("Every key of a configuration is honoured, without effect, or refused by name")
struct ConfigurationKeyTests {
  /// diffusers' and transformers' keys; made by `list_configuration_keys.py`.
  static let keys: JSONNode? = try? StrictJSON.read(
    path: TemporaryCheckpoint.fixtures + "/configurations/keys.json")

  static let classes: [String] =
    ((try? keys?.object().keys) ?? []).sorted()

  private static func treatments(_ className: String) -> [String: KeyTreatment] {
    switch className {
    case "UNet2DConditionModel": unet
    case "AutoencoderKL": vae
    case "CLIPTextConfig": text
    default: scheduler(className)
    }
  }

  @Test("Every key is treated", arguments: classes)
  func everyKey(_ className: String) throws {
    let keys = try #require(try Self.keys?.member(className).object().keys)
    #expect(Set(Self.treatments(className).keys) == Set(keys))
  }

  @Test("The classes are those that Heed runs")
  func everyClass() {
    let others: Set = ["UNet2DConditionModel", "AutoencoderKL", "CLIPTextConfig"]
    #expect(Set(Self.classes) == others.union(SchedulerKind.allCases.map(\.className)))
  }

  @Test("A key does what the table says", arguments: classes)
  func treatment(_ className: String) throws {
    for (key, treatment) in Self.treatments(className) {
      switch treatment {
      case .honoured(let value, let beside):
        let before = try #require(try Self.computed(className, beside), "\(key)")
        let after = try #require(
          try Self.computed(className, beside.merging([key: value]) { $1 }), "\(key)")
        #expect(before != after, "\(key): \(value)")
      case .withoutEffect(let value):
        #expect(
          try Self.computed(className, [:]) == Self.computed(className, [key: value]),
          "\(key): \(value)")
      case .refused(let value):
        let message = Self.refusal(className, [key: value])
        // Of a list of names, the one that Heed lacks.
        let written = value.hasPrefix("[\"") ? "Attn" : value.trimmingCharacters(in: ["\""])
        #expect(
          message.hasPrefix("place/config.json") && message.contains(key)
            && message.contains(written), "\(key): \(message)")
      }
    }
  }

  @Test("Defaults are those of the classes that run", arguments: classes)
  func defaults(_ className: String) throws {
    guard let kind = SchedulerKind(className: className) else { return }
    let written = try SchedulerConfiguration(Self.json([:]), for: kind, .none).settings
    for (key, value) in try #require(try Self.keys?.member(className).object()) {
      let (expected, found) = (value.text, try #require(written[key]))
      #expect(found == expected || (Double(found) ?? 1) == (Double(expected) ?? 0), "\(key)")
    }
  }

  // MARK: What is computed

  private static func json(_ members: [String: String]) throws -> JSONNode {
    let text = members.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
    let value = try StrictJSON.parse(Array("{\(text)}".utf8), file: "place/config.json")
    return JSONNode(value, file: "place/config.json")
  }

  /// What a configuration of a class comes to, as text.
  private static func computed(
    _ className: String, _ members: [String: String]
  ) throws -> String? {
    let needed = [
      "UNet2DConditionModel": [
        "block_out_channels": "[32, 64]", "attention_head_dim": "8",
        "down_block_types": #"["CrossAttnDownBlock2D", "DownBlock2D"]"#,
        "up_block_types": #"["UpBlock2D", "CrossAttnUpBlock2D"]"#,
      ],
      "AutoencoderKL": [
        "block_out_channels": "[32, 64]",
        "down_block_types": #"["DownEncoderBlock2D", "DownEncoderBlock2D"]"#,
        "up_block_types": #"["UpDecoderBlock2D", "UpDecoderBlock2D"]"#,
      ],
    ]
    let json = try json((needed[className] ?? [:]).merging(members) { $1 })
    switch className {
    case "UNet2DConditionModel": return "\(try UNetConfiguration(json))"
    case "AutoencoderKL": return "\(try VAEConfiguration(json))"
    case "CLIPTextConfig": return "\(try TextConfiguration(json))"
    default: return try trace(className, json)
    }
  }

  /// Times and samples of a scheduler.
  private static func trace(_ className: String, _ json: JSONNode) throws -> String? {
    let algorithm = try json.optionalMember("algorithm_type")?.string()
    guard let kind = SchedulerKind(className: className, algorithm: algorithm) else { return nil }
    var scheduler = try SchedulerConfiguration(json, for: kind, .none).scheduler(steps: 6)
    var source = TorchRandomSource(seed: 3)
    var sample = source.normal(shape: [1, 16, 1, 1]).affine(scale: scheduler.initialNoiseScale)
    var trace = "\(scheduler.timesteps)"
    for index in scheduler.timesteps.indices {
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(input.values.map { sin(3 * $0) * 0.5 + 0.2 }, shape: input.shape)
      let fresh = scheduler.drawsNoise(at: index) ? source.normal(shape: sample.shape) : nil
      sample = scheduler.step(output, at: index, sample, noise: fresh)
      trace += "\n\(sample.values)"
    }
    return trace
  }

  private static func refusal(_ className: String, _ members: [String: String]) -> String {
    do {
      _ = try computed(className, members)
      return "no error"
    } catch { return "\(error)" }
  }
}

// MARK: - The tables

extension ConfigurationKeyTests {
  /// What makes the UNet take sizes.
  private static let sizes = [
    "addition_embed_type": #""text_time""#, "addition_time_embed_dim": "8",
    "projection_class_embeddings_input_dim": "200",
  ]

  fileprivate static let unet: [String: KeyTreatment] = [
    "act_fn": .refused(#""mish""#),
    "addition_embed_type": .refused(#""text_image""#),
    "addition_embed_type_num_heads": .withoutEffect("32"),
    "addition_time_embed_dim": .honoured("16", beside: sizes),
    "attention_head_dim": .honoured("[4, 8]"),
    "attention_type": .refused(#""gated""#),
    "block_out_channels": .honoured("[64, 64]"),
    "center_input_sample": .refused("true"),
    "class_embed_type": .refused(#""timestep""#),
    "class_embeddings_concat": .refused("true"),
    "conv_in_kernel": .refused("5"),
    "conv_out_kernel": .refused("1"),
    "cross_attention_dim": .honoured("[768, 768]"),
    "cross_attention_norm": .refused(#""layer_norm""#),
    "down_block_types": .honoured(#"["DownBlock2D", "DownBlock2D"]"#),
    "downsample_padding": .refused("0"),
    "dropout": .withoutEffect("0.1"),
    "dual_cross_attention": .refused("true"),
    "encoder_hid_dim": .refused("1024"),
    "encoder_hid_dim_type": .refused(#""text_proj""#),
    "flip_sin_to_cos": .honoured("false"),
    "freq_shift": .honoured("1"),
    "in_channels": .refused("9"),
    "layers_per_block": .honoured("[1, 2]"),
    "mid_block_only_cross_attention": .refused("true"),
    "mid_block_scale_factor": .refused("1.4142"),
    "mid_block_type": .honoured("null"),
    "norm_eps": .honoured("1e-6"),
    "norm_num_groups": .honoured("16"),
    "num_attention_heads": .refused("8"),
    "num_class_embeds": .refused("10"),
    "only_cross_attention": .refused("[false, true]"),
    "out_channels": .refused("8"),
    "projection_class_embeddings_input_dim": .honoured("300", beside: sizes),
    "resnet_out_scale_factor": .refused("2"),
    "resnet_skip_time_act": .refused("true"),
    "resnet_time_scale_shift": .refused(#""scale_shift""#),
    "reverse_transformer_layers_per_block": .refused("[1, 2]"),
    "sample_size": .honoured("[96, 64]"),
    "time_cond_proj_dim": .honoured("256"),
    "time_embedding_act_fn": .refused(#""silu""#),
    "time_embedding_dim": .honoured("512"),
    "time_embedding_type": .refused(#""fourier""#),
    "timestep_post_act": .refused(#""silu""#),
    "transformer_layers_per_block": .honoured("[1, 2]"),
    "up_block_types": .honoured(#"["UpBlock2D", "UpBlock2D"]"#),
    // Every number is float32 here.
    "upcast_attention": .withoutEffect("true"),
    "use_linear_projection": .honoured("true"),
  ]

  fileprivate static let vae: [String: KeyTreatment] = [
    "act_fn": .refused(#""mish""#),
    "block_out_channels": .honoured("[64, 64]"),
    "down_block_types": .refused(#"["AttnDownEncoderBlock2D", "DownEncoderBlock2D"]"#),
    "force_upcast": .withoutEffect("false"),
    "in_channels": .refused("1"),
    "latent_channels": .refused("16"),
    "latents_mean": .refused("[0, 0, 0, 0]"),
    "latents_std": .refused("[1, 1, 1, 1]"),
    "layers_per_block": .honoured("2"),
    "mid_block_add_attention": .honoured("false"),
    "norm_num_groups": .honoured("16"),
    "out_channels": .refused("1"),
    // The size of tiles, which Heed does not cut.
    "sample_size": .withoutEffect("512"),
    "scaling_factor": .honoured("0.13025"),
    "shift_factor": .refused("0.1159"),
    "up_block_types": .refused(#"["UpDecoderBlock2D", "AttnUpDecoderBlock2D"]"#),
    "use_post_quant_conv": .honoured("false"),
    "use_quant_conv": .honoured("false"),
  ]

  fileprivate static let text: [String: KeyTreatment] = [
    "architectures": .honoured(#"["CLIPTextModelWithProjection"]"#),
    "attention_dropout": .withoutEffect("0.1"),
    "bos_token_id": .withoutEffect("0"),
    "chunk_size_feed_forward": .withoutEffect("1"),
    "dtype": .withoutEffect(#""float16""#),
    // It finds the pooled vector, which Stable Diffusion does not read.
    "eos_token_id": .honoured("2"),
    "hidden_act": .honoured(#""gelu""#),
    "hidden_size": .honoured("768"),
    "id2label": .withoutEffect(#"{"0": "a"}"#),
    "initializer_factor": .withoutEffect("0.5"),
    "initializer_range": .withoutEffect("0.5"),
    "intermediate_size": .honoured("1024"),
    "is_encoder_decoder": .withoutEffect("true"),
    "label2id": .withoutEffect(#"{"a": 0}"#),
    "layer_norm_eps": .honoured("1e-6"),
    "max_position_embeddings": .honoured("248"),
    "num_attention_heads": .honoured("4"),
    "num_hidden_layers": .honoured("11"),
    "output_hidden_states": .withoutEffect("true"),
    "pad_token_id": .withoutEffect("0"),
    "problem_type": .withoutEffect(#""regression""#),
    // A text model has no projection; the class that has one is another.
    "projection_dim": .honoured(
      "768", beside: ["architectures": #"["CLIPTextModelWithProjection"]"#]),
    "return_dict": .withoutEffect("false"),
    "transformers_version": .withoutEffect(#""4.0""#),
    "vocab_size": .honoured("1000"),
  ]

  fileprivate static func scheduler(_ className: String) -> [String: KeyTreatment] {
    var table: [String: KeyTreatment] = [
      "num_train_timesteps": .honoured("500"), "beta_start": .honoured("0.0005"),
      "beta_end": .honoured("0.01"), "beta_schedule": .honoured(#""squaredcos_cap_v2""#),
      "trained_betas": .honoured(
        "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]",
        beside: ["num_train_timesteps": "8", "original_inference_steps": "8"]),
      "prediction_type": .honoured(#""v_prediction""#),
    ]
    func add(_ more: [String: KeyTreatment]) { table.merge(more) { $1 } }
    let times: [String: KeyTreatment] = [
      "timestep_spacing": .honoured(#""trailing""#),
      "steps_offset": .honoured("1", beside: ["timestep_spacing": #""leading""#]),
    ]
    let levels: [String: KeyTreatment] = [
      "use_karras_sigmas": .honoured("true"), "use_exponential_sigmas": .honoured("true"),
      "use_beta_sigmas": .honoured("true"),
    ]
    let thresholding: [String: KeyTreatment] = [
      "thresholding": .honoured("true", beside: ["sample_max_value": "9"]),
      "dynamic_thresholding_ratio": .honoured(
        "0.5", beside: ["thresholding": "true", "sample_max_value": "9"]),
      "sample_max_value": .honoured("2", beside: ["thresholding": "true"]),
    ]
    let clipping: [String: KeyTreatment] = [
      "clip_sample": .honoured("true"),
      "clip_sample_range": .honoured("2", beside: ["clip_sample": "true"]),
    ]
    let solver: [String: KeyTreatment] = [
      "solver_order": .honoured("3"), "use_flow_sigmas": .refused("true"),
      // They shift the levels of flows alone.
      "flow_shift": .withoutEffect("3"), "time_shift_type": .withoutEffect(#""linear""#),
      "final_sigmas_type": .honoured(#""sigma_min""#),
    ]
    let dpmSolver: [String: KeyTreatment] = [
      "algorithm_type": .honoured(#""sde-dpmsolver++""#), "solver_type": .honoured(#""heun""#),
      "lambda_min_clipped": .honoured("-1.0"), "variance_type": .refused(#""learned""#),
      "use_dynamic_shifting": .withoutEffect("true"),
    ]
    let bounds: [String: KeyTreatment] = [
      "sigma_min": .honoured("0.1", beside: ["use_karras_sigmas": "true"]),
      "sigma_max": .honoured("9.0", beside: ["use_karras_sigmas": "true"]),
    ]
    let zeroSNR: [String: KeyTreatment] = [
      "rescale_betas_zero_snr": .honoured(
        "true", beside: ["prediction_type": #""v_prediction""#])
    ]
    switch className {
    case "DDIMScheduler":
      for more in [times, thresholding, zeroSNR] { add(more) }
      add(["clip_sample": .honoured("false"), "clip_sample_range": .honoured("2")])
      add(["set_alpha_to_one": .honoured("false")])
    case "PNDMScheduler":
      add(times)
      add(["skip_prk_steps": .honoured("true"), "set_alpha_to_one": .honoured("true")])
    case "EulerDiscreteScheduler":
      for more in [times, levels, bounds, zeroSNR] { add(more) }
      add([
        "interpolation_type": .honoured(#""log_linear""#),
        "timestep_type": .honoured(
          #""continuous""#, beside: ["prediction_type": #""v_prediction""#]),
        "final_sigmas_type": .honoured(#""sigma_min""#),
      ])
    case "EulerAncestralDiscreteScheduler": for more in [times, zeroSNR] { add(more) }
    case "HeunDiscreteScheduler": for more in [times, levels, clipping] { add(more) }
    case "DPMSolverMultistepScheduler":
      for more in [times, levels, thresholding, solver, dpmSolver, zeroSNR] { add(more) }
      add([
        "lower_order_final": .honoured("false", beside: ["final_sigmas_type": #""sigma_min""#]),
        "euler_at_final": .honoured(
          "true",
          beside: ["final_sigmas_type": #""sigma_min""#, "lower_order_final": "false"]),
        "use_lu_lambdas": .honoured("true"),
      ])
    case "DPMSolverSinglestepScheduler":
      for more in [levels, thresholding, solver, dpmSolver] { add(more) }
      add([
        "lower_order_final": .honoured("true", beside: ["final_sigmas_type": #""sigma_min""#])
      ])
    case "UniPCMultistepScheduler":
      for more in [times, levels, thresholding, solver, bounds, zeroSNR] { add(more) }
      let least = ["final_sigmas_type": #""sigma_min""#]
      add([
        "predict_x0": .honoured("false", beside: least), "solver_type": .honoured(#""bh1""#),
        "lower_order_final": .honoured("false", beside: least),
        "disable_corrector": .honoured("[1]"), "solver_p": .refused(#""DDIMScheduler""#),
        "use_dynamic_shifting": .refused("true"), "shift_terminal": .refused("0.1"),
      ])
    case "LCMScheduler", "TCDScheduler":
      let isLCM = className == "LCMScheduler"
      add(zeroSNR)
      // Times come from the schedule that was distilled, and end at times that are trained.
      add([
        "original_inference_steps": .honoured("100"),
        "timestep_spacing": .withoutEffect(#""trailing""#),
        "steps_offset": .withoutEffect("1"), "set_alpha_to_one": .withoutEffect("false"),
      ])
      add(
        isLCM
          ? thresholding.merging(clipping) { $1 }
          : [
            "thresholding": .withoutEffect("true"),
            "dynamic_thresholding_ratio": .withoutEffect("0.5"),
            "sample_max_value": .withoutEffect("2"), "clip_sample": .withoutEffect("true"),
            "clip_sample_range": .withoutEffect("2"),
          ])
      add(["timestep_scaling": isLCM ? .honoured("0.01") : .withoutEffect("0.01")])
    default: for more in [times, levels] { add(more) }
    }
    return table
  }
}
