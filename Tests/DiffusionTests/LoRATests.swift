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
    metadata: [String: String] = [:]
  ) throws -> String {
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    let said = message {
      let checkpoint = try Checkpoint(Self.base, Self.options(LoRA(path: path)))
      _ = try (checkpoint.makeUNet(), checkpoint.makeTextModel())
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

  @Test("Every name must be of a layout and every module in the checkpoint, or all are listed")
  func strangers() throws {
    func pair(_ module: String) -> [(name: String, payload: SafetensorsWriter.Payload)] {
      [
        (module + ".lora_down.weight", Self.floats([2, 16])),
        (module + ".lora_up.weight", Self.floats([16, 2])),
      ]
    }
    let modules = try refusal(
      pair(Self.module) + pair("lora_unet_down_blocks_7_resnets_0_conv1")
        + pair("lora_unet_mid_block_nothing"))
    #expect(modules.contains("2 modules are not in the checkpoint's UNet: lora_unet_down_blocks_7"))
    #expect(modules.contains("lora_unet_mid_block_nothing"))
    let text = try refusal(pair("lora_te_text_model_encoder_layers_9_mlp_fc1"))
    #expect(text.contains("not in the checkpoint's text encoder"), "\(text)")
    let names = try refusal(pair(Self.module) + [("colour", Self.floats([1]))])
    #expect(names.contains("1 names belong to no known LoRA layout: colour"), "\(names)")
    #expect(try refusal([]).contains("none of its names"))
    let both = try refusal(
      pair(Self.module) + pair("lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"))
    #expect(both.contains("a second change"), "\(both)")
  }

  @Test("Other kinds of change and other models' LoRAs are refused by what they are")
  func others() throws {
    for (name, word) in [
      ("lora_unet_x.hada_w1_a", "LoHa"), ("lora_unet_x.lokr_w1", "LoKr"),
      ("lora_unet_x.dora_scale", "DoRA"), (Self.dotted + ".lora_magnitude_vector", "DoRA"),
      ("lora_unet_x.oft_blocks", "OFT"), ("lora_unet_x.diff_b", "difference"),
      ("lora_te2_text_model_x.lora_down.weight", "Stable Diffusion XL"),
      ("text_encoder_2.x.lora_A.weight", "Stable Diffusion XL"),
      ("transformer.x.lora_A.weight", "transformer"),
      ("lora_unet_double_blocks_0_img.lora_down.weight", "Flux"), ("emb_params", "inversion"),
    ] {
      let said = try refusal([(name, Self.floats([1]))])
      #expect(said.contains(word) && said.contains("Heed adds LoRAs"), "\(said)")
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

  @Test("A file that is not there, is cut or is pickled is refused")
  func files() throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.file("peft"))))
    let copy = try TemporaryCheckpoint(of: "sharded")
    try copy.write(whole.prefix(3000), to: "cut.safetensors")
    for (name, words) in [
      ("nowhere.safetensors", "nowhere"), ("cut.safetensors", "cut"), ("x.ckpt", "weights_only"),
      ("x.pt", "weights_only"), ("x.bin", "weights_only"),
    ] {
      let path = copy.path + "/" + name
      let said = message { _ = try Checkpoint(Self.base, Self.options(LoRA(path: path))) }
      #expect(said.hasPrefix(path) && said.contains(words), "\(said)")
    }
  }
}
