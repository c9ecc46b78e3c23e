import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("LoRAs")
struct LoRATests {
  private static let fixtures = TemporaryCheckpoint.fixtures
  private static let base = fixtures + "/sharded"

  private static func options(_ loras: LoRA...) -> CheckpointOptions {
    var options = CheckpointOptions()
    options.loras = loras
    return options
  }

  private static func file(_ name: String) -> String { "\(fixtures)/lora/\(name).safetensors" }

  @Test(
    "A LoRA in any layout, added in part, gives what diffusers computes with it",
    arguments: [("peft", 0.8), ("processors", 1), ("kohya", 0.6), ("original", -0.5)])
  func golden(_ name: String, _ scale: Double) throws {
    let copy = try TemporaryCheckpoint(of: "sharded")
    for file in ["golden.json", "golden.safetensors"] {
      let bytes = try Data(
        contentsOf: URL(fileURLWithPath: "\(Self.fixtures)/lora/\(name)/\(file)"))
      try copy.write(bytes, to: file)
    }
    let lora = LoRA(path: Self.file(name), scale: scale)
    let failures = try failures(Checkpoint(copy.path, Self.options(lora)))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    // Without it, the same goldens must fail, or they would show nothing.
    #expect(try Self.hasOther(copy.path))
  }

  private static func hasOther(_ path: String) throws -> Bool {
    var verification = try CheckpointVerification(Checkpoint(path))
    return try verification.verify("unet.noise.t500").outcome == .failed
  }

  /// A weight of the UNet with what LoRAs add to it.
  private func weight(_ name: String, _ shape: [Int], _ loras: [LoRA]) throws -> Tensor {
    var options = CheckpointOptions()
    options.loras = loras
    return try Checkpoint(Self.base, options).parameters(of: .unet).tensor(name, shape)
  }

  private func convolution(_ loras: LoRA...) throws -> Tensor {
    try weight("down_blocks.0.resnets.0.conv1.weight", [8, 8, 3, 3], loras)
  }

  @Test("A convolution through a middle factor is LyCORIS's product")
  func middle() throws {
    let golden = try SafetensorsFile(path: Self.file("middle-golden")).tensor("merged")
    let merged = try convolution(LoRA(path: Self.file("middle"), scale: 0.7))
    #expect(merged.shape == golden.shape)
    for (got, expected) in zip(merged.values, golden.values) {
      #expect(abs(got - expected) < 1e-6)
    }
  }

  // MARK: - Kinds

  private static let goldens = try? SafetensorsFile(path: file("kinds/goldens"))

  @Test(
    "Every kind of change gives the weights that peft, or the published formula, makes",
    arguments: [
      "adapter", "biased", "dora", "dora-adapter", "dora-rows", "dora-columns", "full", "loha",
      "loha-tucker", "lokr", "lokr-both", "lokr-tucker", "scalar",
    ])
  func kinds(_ kind: String) throws {
    let goldens = try #require(Self.goldens)
    let names = goldens.names.filter { $0.hasPrefix(kind + "/") }
    #expect(!names.isEmpty)
    let lora = LoRA(path: Self.file("kinds/" + kind), scale: 0.7)
    let checkpoint = try Checkpoint(Self.base, Self.options(lora))
    let parameters = try checkpoint.parameters(of: .unet)
    for name in names {
      let golden = try goldens.tensor(name)
      let parameter = String(name.dropFirst(kind.count + 1))
      let got = try parameters.tensor(parameter, golden.shape)
      let range = golden.values.map(abs).max() ?? 0
      let worst = zip(got.values, golden.values).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 2e-6 * max(range, 1), "\(name): \(worst)")
    }
    // Without the file, every weight is another.
    let plain = try Checkpoint(Self.base).parameters(of: .unet)
    for name in names where name.hasSuffix(".weight") {
      let golden = try goldens.tensor(name)
      let parameter = String(name.dropFirst(kind.count + 1))
      #expect(try plain.tensor(parameter, golden.shape).values != golden.values, "\(name)")
    }
  }

  @Test("What is unknown in a file is named once and does not cost the rest")
  func unknownTensor() throws {
    let lora = LoRA(path: Self.file("kinds/full"))
    let notes = try Checkpoint(Self.base, Self.options(lora)).notes
    #expect(notes.count { $0.contains("no known LoRA layout: colour") } == 1, "\(notes)")
  }

  /// A file of zero factors for some modules, which are `[16, 16]` where the checkpoint has them.
  private func pairs(_ modules: [String], input: Int = 16) -> SingleFileCheckpoint.Tensors {
    modules.flatMap { module in
      [
        (module + ".lora_down.weight", Self.floats([2, input])),
        (module + ".lora_up.weight", Self.floats([16, 2])),
      ]
    }
  }

  @Test(
    "Prefixes of every program lead to the same module",
    arguments: [
      ("lora_unet_", "_"), ("lycoris_", "_"), ("unet.", "."), ("base_model.model.", "."),
      ("base_model.model.unet.", "."), ("unet.base_model.model.", "."), ("diffusion_model.", "."),
      ("model.diffusion_model.", "."), ("", "."),
    ])
  func prefixes(_ prefix: String, _ point: String) throws {
    let module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    let name = module + ".weight"
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(
      pairs([prefix + module.replacingOccurrences(of: ".", with: point)]), to: path)
    let plain = try weight(name, [16, 16], []).values[0]
    let merged = try weight(name, [16, 16], [LoRA(path: path)]).values[0]
    #expect(abs(merged - plain - 2) < 1e-5)
  }

  @Test(
    "Prefixes of every program lead to the same module of SDXL, and to no other part's",
    arguments: [
      ("lora_te1_text_model_encoder_layers_0_mlp_fc1", .textEncoder),
      ("lora_te2_text_model_encoder_layers_0_mlp_fc1", .secondTextEncoder),
      ("text_encoder.text_model.encoder.layers.0.mlp.fc1", .textEncoder),
      ("text_encoder_2.text_model.encoder.layers.0.mlp.fc1", .secondTextEncoder),
      ("text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1", .textEncoder),
      ("text_encoders.clip_g.transformer.text_model.encoder.layers.0.mlp.fc1", .secondTextEncoder),
      ("cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1", .textEncoder),
      ("lora_unet_add_embedding_linear_1", .unet), ("lora_unet_label_emb_0_0", .unet),
      ("unet.add_embedding.linear_1", .unet),
    ] as [(String, CheckpointPart)])
  func prefixesOfXL(_ module: String, _ part: CheckpointPart) throws {
    let weights: [CheckpointPart: (name: String, shape: [Int])] = [
      .textEncoder: ("encoder.layers.0.mlp.fc1.weight", [48, 24]),
      .secondTextEncoder: ("text_model.encoder.layers.0.mlp.fc1.weight", [64, 40]),
      .unet: ("add_embedding.linear_1.weight", [64, 88]),
    ]
    let shape = try #require(weights[part]).shape
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(
      [
        (module + ".lora_down.weight", Self.floats([2, shape[1]])),
        (module + ".lora_up.weight", Self.floats([shape[0], 2])),
      ], to: path)
    let checkpoints = try [[], [LoRA(path: path)]].map { loras in
      var options = CheckpointOptions()
      options.loras = loras
      return try Checkpoint(Self.fixtures + "/tiny-xl", options)
    }
    for (other, weight) in weights {
      let values = try checkpoints.map { checkpoint in
        try checkpoint.parameters(of: other).tensor(weight.name, weight.shape).values
      }
      let isChanged = zip(values[0], values[1]).allSatisfy { abs($1 - $0 - 2) < 1e-5 }
      #expect(other == part ? isChanged : values[0] == values[1], "\(other)")
    }
  }

  @Test("A LoRA for another model is named on SDXL, by its notes, its names or its shapes")
  func architecturesOnXL() throws {
    let text = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    for (names, input, metadata, words) in [
      ([text], 768, [:], ["Stable Diffusion 1.x", "width 768"]),
      ([text], 1024, [:], ["Stable Diffusion 2.x", "width 1024"]),
      ([text], 1280, [:], ["refiner", "width 1280"]),
      (["lora_te3_x"], 16, [:], ["Stable Diffusion 3"]),
      (["lora_unet_double_blocks_0_img"], 16, [:], ["Flux"]),
      (
        [text], 64, ["ss_base_model_version": "sd_v1"], ["Stable Diffusion 1.x", "sd_v1"]
      ),
      (
        [text], 64, ["modelspec.architecture": "stable-diffusion-xl-v1-refiner/lora"], ["refiner"]
      ),
    ] as [([String], Int, [String: String], [String])] {
      let said = try refusal(
        pairs(names, input: input), metadata: metadata, on: Self.fixtures + "/tiny-xl")
      #expect(words.allSatisfy(said.contains) && said.contains("Heed adds LoRA"), "\(said)")
    }
    let strange = try refusal(
      pairs(["lora_te2_text_model_encoder_layers_9_mlp_fc1"]), on: Self.fixtures + "/tiny-xl")
    #expect(strange.contains("not in the checkpoint's second text encoder"), "\(strange)")
  }

  @Test("The scale that peft keeps beside its file is heeded and hashed")
  func adapterConfiguration() throws {
    let copy = try TemporaryCheckpoint(of: "sharded")
    let path = copy.path + "/adapter_model.safetensors"
    let module = "base_model.model.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    try SafetensorsWriter.write(
      [
        (module + ".lora_A.weight", Self.floats([4, 16])),
        (module + ".lora_B.weight", Self.floats([16, 4])),
      ], to: path)
    let name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    let plain = try weight(name, [16, 16], []).values[0]
    for (json, change) in [
      (nil, 4), (#"{"lora_alpha": 8, "r": 4}"#, 8), (#"{"alpha": 2, "peft_type": "LOHA"}"#, 2),
      (#"{"lora_alpha": 8, "use_rslora": true}"#, 16),
    ] as [(String?, Float)] {
      if let json { try copy.write(Array(json.utf8), to: "adapter_config.json") }
      let merged = try weight(name, [16, 16], [LoRA(path: path)]).values[0]
      #expect(abs(merged - plain - change) < 1e-4)
    }
    let hashes = try Checkpoint(Self.base, Self.options(LoRA(path: path))).hashes()
    #expect(hashes["lora adapter_model.safetensors:1.0, adapter_config.json"]?.count == 64)
  }

  @Test("Changes add up; a scale of 0 changes nothing")
  func addition() throws {
    let plain = try convolution()
    let path = Self.file("kohya")
    #expect(try convolution(LoRA(path: path, scale: 0)).values == plain.values)
    let once = try convolution(LoRA(path: path, scale: 0.5))
    #expect(once.values != plain.values)
    let twice = try convolution(
      LoRA(path: path, scale: 0.25), LoRA(path: path, scale: 0.25))
    for (one, two) in zip(once.values, twice.values) { #expect(abs(one - two) < 1e-6) }
  }

  @Test("The hashes tell LoRAs and scales apart")
  func hashes() throws {
    let plain = try Checkpoint(Self.base).hashes()
    var seen: Set<[String: String]> = [plain]
    for (name, scale) in [("kohya", 1.0), ("kohya", 0.5), ("peft", 1)] {
      let lora = LoRA(path: Self.file(name), scale: scale)
      let hashes = try Checkpoint(Self.base, Self.options(lora)).hashes()
      #expect(hashes["lora \(name).safetensors:\(scale)"]?.count == 64)
      seen.insert(hashes)
    }
    #expect(seen.count == 4)
  }

  // MARK: - What is refused

  private func refusal(
    _ tensors: [(name: String, payload: SafetensorsWriter.Payload)],
    metadata: [String: String] = [:], on base: String = base
  ) throws -> String {
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    let said = message {
      let checkpoint = try Checkpoint(base, Self.options(LoRA(path: path)))
      _ = try (checkpoint.makeUNet(), checkpoint.makeTextEncoders())
    }
    #expect(said.hasPrefix(path + ": "), "\(said)")
    return said
  }

  private static func floats(_ shape: [Int], _ value: Float = 1) -> SafetensorsWriter.Payload {
    .float32(.full(value, shape: shape))
  }

  private static let module = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
  private static let dotted = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"

  @Test("Factors of other widths, halves, numbers that are none: each by the file's own name")
  func damaged() throws {
    let (down, up) = (Self.module + ".lora_down.weight", Self.module + ".lora_up.weight")
    let good: [(name: String, payload: SafetensorsWriter.Payload)] = [
      (down, Self.floats([2, 16])), (up, Self.floats([16, 2])),
    ]
    for (tensors, words) in [
      ([(down, Self.floats([2, 320])), (up, Self.floats([320, 2]))], "other widths"),
      ([(down, Self.floats([2, 16])), (up, Self.floats([16, 3]))], "other widths"),
      ([(down, Self.floats([2, 16, 3, 3])), (up, Self.floats([16, 2]))], "other widths"),
      ([(down, Self.floats([0, 16])), (up, Self.floats([16, 0]))], "other widths"),
      ([(down, Self.floats([])), (up, Self.floats([]))], "other widths"),
      ([(down, Self.floats([2, 16]))], "both factors"),
      ([(up, Self.floats([16, 2]))], "both factors"),
      ([(down, Self.floats([2, 16], .nan)), (up, Self.floats([16, 2]))], "finite"),
      (good + [(Self.module + ".alpha", Self.floats([], .nan))], "finite"),
      (good + [(Self.module + ".alpha", Self.floats([2]))], "one number"),
      (good + [(Self.module + ".lora_mid.weight", Self.floats([2, 2, 3, 3]))], "other widths"),
      (
        [
          (down, Self.floats([2, 16])), (up, Self.floats([16, 0])),
          (Self.module + ".lora_mid.weight", Self.floats([0, 2])),
        ], "other widths"
      ),
    ] {
      let said = try refusal(tensors)
      #expect(said.contains(Self.module) && said.contains(words), "\(said)")
    }
  }

  @Test("A few modules that the checkpoint lacks are passed over; most of them are an error")
  func strangers() throws {
    let there = [
      Self.module, Self.module.replacingOccurrences(of: "to_q", with: "to_k"),
      Self.module.replacingOccurrences(of: "to_q", with: "to_v"),
    ]
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(pairs(there + ["lora_unet_mid_block_nothing"]), to: path)
    let checkpoint = try Checkpoint(Self.base, Self.options(LoRA(path: path)))
    _ = try checkpoint.makeUNet()
    #expect(
      checkpoint.notes.contains {
        $0.contains("1 modules are not in the checkpoint's UNet: lora_unet_mid_block_nothing")
      })
    let most = try refusal(
      pairs([Self.module, "lora_unet_down_blocks_7_resnets_0_conv1", "lora_unet_mid_block_nothing"])
    )
    #expect(most.contains("2 modules are not in the checkpoint's UNet: lora_unet_down_blocks_7"))
    let text = try refusal(pairs(["lora_te_text_model_encoder_layers_9_mlp_fc1"]))
    #expect(text.contains("not in the checkpoint's text encoder"), "\(text)")
    #expect(try refusal([("colour", Self.floats([1]))]).contains("none of its names"))
    let both = try refusal(
      pairs([Self.module, "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"]))
    #expect(both.contains("a second change"), "\(both)")
    let adapters = try refusal([
      (Self.dotted + ".lora_A.one.weight", Self.floats([2, 16])),
      (Self.dotted + ".lora_B.one.weight", Self.floats([16, 2])),
      (Self.dotted + ".lora_A.two.weight", Self.floats([2, 16])),
      (Self.dotted + ".lora_B.two.weight", Self.floats([16, 2])),
    ])
    #expect(adapters.contains("a second change"), "\(adapters)")
  }

  @Test("Kinds of change that Heed does not compute are refused by their names")
  func others() throws {
    for (name, word) in [
      ("lora_unet_x.oft_blocks", "OFT"), ("lora_unet_x.on_input", "IA3"),
      ("unet.x.vera_lambda_b", "VeRA"), ("lora_unet_x.a1.weight", "GLoRA"),
      ("unet.x.attn2.processor.to_k_custom_diffusion.weight", "Custom Diffusion"),
    ] {
      let said = try refusal([(name, Self.floats([1]))])
      #expect(said.contains(word) && said.contains("Heed adds LoRA"), "\(said)")
    }
  }

  @Test(
    "A LoRA for another model is named by its notes, its names or its shapes, with text encoder or without"
  )
  func architectures() throws {
    for (name, model) in [
      ("lora_te2_text_model_x", "Stable Diffusion XL"), ("text_encoder_2.x", "Stable Diffusion XL"),
      ("transformer.x", "transformer"), ("base_model.model.transformer.x", "transformer"),
      ("lora_unet_double_blocks_0_img", "Flux"),
      ("transformer.single_transformer_blocks.0.x", "Flux"),
      ("diffusion_model.double_blocks.0.x", "Flux"), ("lora_unet_joint_blocks_0_x", "Diffusion 3"),
      ("lora_transformer_x", "transformer"), ("down_blocks.0.motion_modules.0.x", "AnimateDiff"),
    ] {
      let said = try refusal(pairs([name]))
      #expect(said.contains(model) && said.contains("Heed adds LoRA"), "\(said)")
    }
    for (key, value, model) in [
      ("ss_base_model_version", "sdxl_base_v1-0", "Stable Diffusion XL"),
      ("modelspec.architecture", "stable-diffusion-xl-v1-base/lora", "Stable Diffusion XL"),
      ("modelspec.architecture", "flux-1-dev/lora", "Flux"),
      ("ss_base_model_version", "sd3_m", "Stable Diffusion 3"),
    ] {
      // Every factor fits; the notes alone tell.
      let said = try refusal(pairs([Self.module]), metadata: [key: value])
      #expect(said.contains(model) && said.contains(value), "\(said)")
    }
    let text = Self.module.replacingOccurrences(of: "attn1_to_q", with: "attn2_to_k")
    for (width, model) in [
      (768, "Stable Diffusion 1.x"), (1024, "Stable Diffusion 2.x"), (2048, "Stable Diffusion XL"),
      (1280, "refiner"),
    ] {
      let said = try refusal(pairs([Self.module, text], input: width))
      #expect(said.contains(model) && said.contains("width \(width)"), "\(said)")
    }
    let deep = Self.module.replacingOccurrences(of: "blocks_0_attn1", with: "blocks_1_attn1")
    let said = try refusal(pairs([Self.module, deep]))
    #expect(said.contains("Stable Diffusion XL") && said.contains("depth"), "\(said)")
    // Notes that name a model that Heed runs refuse nothing.
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(
      pairs([Self.module]), metadata: ["ss_base_model_version": "sd_v1"], to: path)
    _ = try Checkpoint(Self.base, Self.options(LoRA(path: path))).makeUNet()
  }

  @Test("Factors that are not whole, or do not fit, are refused for every kind")
  func broken() throws {
    for (tensors, words) in [
      ([("hada_w1_a", [16, 2]), ("hada_w1_b", [2, 16])], "all factors of a LoHa"),
      (
        [
          ("hada_w1_a", [16, 2]), ("hada_w1_b", [2, 16]), ("hada_w2_a", [16, 2]),
          ("hada_w2_b", [2, 8]),
        ],
        "other widths"
      ),
      (
        [
          ("hada_w1_a", [16, 0]), ("hada_w1_b", [0, 16]), ("hada_w2_a", [16, 0]),
          ("hada_w2_b", [0, 16]),
        ], "other widths"
      ),
      ([("lokr_w1", [4, 4])], "both factors of a LoKr"),
      ([("lokr_w1", [4, 4]), ("lokr_w2_a", [4, 1])], "both factors of a LoKr"),
      ([("lokr_w1", [4, 4]), ("lokr_w2", [4, 8])], "other widths"),
      ([("lokr_w1", []), ("lokr_w2", [])], "other widths"),
      ([("lokr_w1", [4, 4]), ("lokr_w2_a", [4, 2]), ("lokr_w2_b", [3, 4])], "other widths"),
      ([("lokr_w1_a", [4, 2]), ("lokr_w1_b", [2]), ("lokr_w2", [4, 4])], "other widths"),
      ([("diff", [16, 8])], "other widths"), ([("diff_b", [16])], "not in the checkpoint"),
      ([("dora_scale", [3, 1])], "other widths"), ([("alpha", [])], "none of its names"),
    ] as [([(String, [Int])], String)] {
      let said = try refusal(tensors.map { (Self.module + "." + $0.0, Self.floats($0.1)) })
      #expect(said.contains(words), "\(tensors): \(said)")
    }
  }

  @Test("The notes of peft in a file are heeded, and refused where they make no sense")
  func metadata() throws {
    let factors: [(name: String, payload: SafetensorsWriter.Payload)] = [
      (Self.dotted + ".lora_A.weight", Self.floats([4, 16])),
      (Self.dotted + ".lora_B.weight", Self.floats([16, 4])),
    ]
    let name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    let plain = try weight(name, [16, 16], []).values[0]
    for (json, change) in [
      ("{}", 4.0), (#"{"unet.lora_alpha": 2}"#, 2), (#"{"lora_alpha": 8}"#, 8),
      (#"{"unet.lora_alpha": 8, "unet.use_rslora": true}"#, 16),
      (#"{"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 1}}"#, 1),
      (#"{"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn2.to_q": 1}}"#, 8),
    ] {
      let path =
        FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try SafetensorsWriter.write(factors, metadata: ["lora_adapter_metadata": json], to: path)
      let merged = try weight(name, [16, 16], [LoRA(path: path)]).values[0]
      #expect(abs(Double(merged - plain) - change) < 1e-5, "\(json)")
    }
    for json in ["", "[", "3", #"{"unet.lora_alpha": "x"}"#, #"{"unet.use_dora": true}"#] {
      #expect(
        try refusal(factors, metadata: ["lora_adapter_metadata": json]).contains("etadata"))
    }
  }

  @Test("What is offered as a LoRA and is none is named")
  func files() throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.file("peft"))))
    let copy = try TemporaryCheckpoint(of: "sharded")
    try copy.write(whole.prefix(3000), to: "cut.safetensors")
    for name in ["x.ckpt", "x.pt", "x.bin"] { try copy.write([0x80, 2], to: name) }
    for (name, words) in [
      ("nowhere.safetensors", "nowhere"), ("cut.safetensors", "cut"), ("x.ckpt", "weights_only"),
      ("x.pt", "weights_only"), ("x.bin", "weights_only"),
    ] {
      let path = copy.path + "/" + name
      let said = message { _ = try Checkpoint(Self.base, Self.options(LoRA(path: path))) }
      #expect(said.hasPrefix(path) && said.contains(words), "\(said)")
    }
    for (names, words) in [
      (
        ["model.diffusion_model.out.0.weight"], "a whole checkpoint, not a LoRA; give it by --model"
      ),
      (["emb_params"], "a textual inversion embedding"),
      (["<cat>"], "a textual inversion embedding"), (["control_model.x.weight"], "a ControlNet"),
      (["encoder.conv_in.weight", "decoder.conv_in.weight"], "an autoencoder, alone"),
    ] {
      let said = try refusal(names.map { ($0, Self.floats([2, 768])) })
      #expect(said.contains(words), "\(said)")
    }
    // Of whatever width.
    let narrow = try refusal([("<cat>", Self.floats([2, 128]))])
    #expect(narrow.contains("a textual inversion embedding"), "\(narrow)")
  }
}
