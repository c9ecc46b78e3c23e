import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("Checkpoints, whole and damaged")
struct CheckpointTests {
  /// Opens everything and runs each part once, at a small size.
  private func exercise(_ path: String) throws {
    let checkpoint = try Checkpoint(path)
    let unet = try checkpoint.makeUNet()
    let vae = try checkpoint.makeVAE()
    let text = try checkpoint.makeTextModel()
    var source = TorchRandomSource(seed: 1)
    let latent = source.normal(shape: [1, 4, 8, 4])
    let context = PromptEmbedding(
      try text([[Int](repeating: 1, count: text.configuration.window)]))
    let pass = AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
    let output = try unet(
      latent, timestep: 500, text: context, tap: AttentionTap(pass: pass))
    #expect(output.shape == latent.shape && output.isFinite)
    var scheduler = try checkpoint.schedulerConfiguration(checkpoint.schedulerKind())
      .scheduler(steps: 4)
    _ = scheduler.step(output, at: 0, latent)
    _ = try vae.decode(latent)
  }

  private func message(_ path: String) -> String {
    do {
      try exercise(path)
      return "no error"
    } catch let error as DiffusionError {
      return error.description
    } catch let error as FileError {
      return error.description
    } catch {
      return "another error: \(error)"
    }
  }

  @Test("The fixtures run", arguments: ["tiny-sd1", "tiny-sd2"])
  func whole(_ name: String) throws { try exercise(TemporaryCheckpoint.fixtures + "/" + name) }

  @Test("A folder that is not there is named, with what to give")
  func noFolder() {
    let message = message("/nowhere/at/all")
    #expect(message.hasPrefix("/nowhere/at/all: ") && message.contains("diffusers' layout"))
  }

  @Test(
    "A file that is missing is named",
    arguments: [
      "unet/config.json", "vae/config.json", "text_encoder/config.json",
      "scheduler/scheduler_config.json", TemporaryCheckpoint.unet, TemporaryCheckpoint.vae,
      TemporaryCheckpoint.text,
    ])
  func missingFile(_ file: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.remove(file)
    #expect(message(copy.path).hasPrefix(copy.path + "/" + file + ": not found"))
  }

  @Test(
    "Pickled weights are never read, and the message says how to convert",
    arguments: [".bin", ".ckpt"])
  func pickle(_ suffix: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.remove(TemporaryCheckpoint.unet)
    try copy.write([0x80, 2], to: "unet/diffusion_pytorch_model" + suffix)
    let message = message(copy.path)
    #expect(message.contains(suffix) && message.contains("safe_serialization=True"))
    try copy.remove(TemporaryCheckpoint.text)
    try copy.write([0x80, 2], to: "text_encoder/pytorch_model" + suffix)
    // transformers' pickled weights go by another name than its safetensors.
    let error = #expect(throws: DiffusionError.self) { try Checkpoint(copy.path).makeTextModel() }
    #expect(error?.description.contains("pytorch_model" + suffix) == true)
  }

  @Test("Missing, unused and misshapen tensors are all named in one message")
  func tensors() throws {
    let copy = try TemporaryCheckpoint()
    try copy.rewrite(TemporaryCheckpoint.unet) { tensors in
      tensors.removeAll {
        $0.name == "conv_in.bias" || $0.name == "mid_block.resnets.1.norm2.weight"
      }
      tensors.append(("conv_in.colour", .float32(.full(1, shape: [2, 3]))))
      for index in tensors.indices where tensors[index].name == "conv_out.bias" {
        tensors[index].payload = .float32(.full(1, shape: [5]))
      }
    }
    #expect(
      throws: DiffusionError.parameters(
        file: copy.path + "/" + TemporaryCheckpoint.unet,
        missing: ["conv_in.bias", "mid_block.resnets.1.norm2.weight"], unused: ["conv_in.colour"],
        mismatched: ["conv_out.bias [5] instead of [4]"])
    ) { try exercise(copy.path) }
    #expect(message(copy.path).contains("2 missing, 1 unused, 1 of another shape"))
  }

  @Test("A tensor of another type is named with the types that can be read")
  func unknownType() throws {
    let copy = try TemporaryCheckpoint()
    try copy.rewrite(TemporaryCheckpoint.unet) { tensors in
      for index in tensors.indices where tensors[index].name == "conv_out.bias" {
        tensors[index].payload = .int64([1, 2, 3, 4], shape: [4])
      }
    }
    let message = message(copy.path)
    #expect(message.contains("conv_out.bias") && message.contains("F16"), "\(message)")
  }

  @Test("A weight file cut anywhere is refused", arguments: [0, 7, 8, 100, 5000, 20000])
  func truncated(_ length: Int) throws {
    for file in [TemporaryCheckpoint.unet, TemporaryCheckpoint.vae, TemporaryCheckpoint.text] {
      let copy = try TemporaryCheckpoint()
      try copy.write(try copy.read(file).prefix(length), to: file)
      #expect(message(copy.path).contains(file))
    }
  }

  @Test("Checkpoints of other families are recognised and named")
  func otherFamilies() throws {
    for (key, value, file, expected) in [
      ("in_channels", "9", "unet/config.json", "inpainting"),
      ("addition_embed_type", "\"text_image\"", "unet/config.json", "addition_embed_type"),
      ("_class_name", "\"SD3Transformer2DModel\"", "unet/config.json", "SD3Transformer2DModel"),
      ("latent_channels", "16", "vae/config.json", "latent_channels"),
      ("model_type", "\"t5\"", "text_encoder/config.json", "t5"),
      (
        "scheduler", "[\"diffusers\", \"DEISMultistepScheduler\"]", "model_index.json",
        "DEISMultistepScheduler"
      ),
    ] {
      let copy = try TemporaryCheckpoint()
      try copy.set(key, value, in: file)
      let message = message(copy.path)
      #expect(message.contains(expected) && message.contains("Heed runs"), "\(message)")
    }
  }

  @Test(
    "Numbers that cannot be, and settings that are not computed, are refused by name",
    arguments: [
      ("unet/config.json", "attention_head_dim", "5"),
      ("unet/config.json", "attention_head_dim", "[4, 4]"),
      ("unet/config.json", "attention_head_dim", "-4"),
      ("unet/config.json", "attention_head_dim", "\"4\""),
      ("unet/config.json", "norm_num_groups", "5"),
      ("unet/config.json", "norm_num_groups", "0"),
      ("unet/config.json", "block_out_channels", "[16, 16, -32, 32]"),
      ("unet/config.json", "block_out_channels", "[]"),
      ("unet/config.json", "block_out_channels", "32"),
      ("unet/config.json", "layers_per_block", "-1"),
      ("unet/config.json", "layers_per_block", "1000000"),
      ("unet/config.json", "cross_attention_dim", "-1"),
      ("unet/config.json", "cross_attention_dim", "768"),
      ("unet/config.json", "down_block_types", "[\"DownBlock2D\"]"),
      ("unet/config.json", "norm_eps", "-1"),
      ("unet/config.json", "norm_eps", "1e300"),
      ("unet/config.json", "freq_shift", "8"),
      ("unet/config.json", "sample_size", "0"),
      ("unet/config.json", "only_cross_attention", "true"),
      ("unet/config.json", "downsample_padding", "0"),
      ("unet/config.json", "mid_block_scale_factor", "1.4142"),
      ("unet/config.json", "act_fn", "\"gelu\""),
      ("vae/config.json", "layers_per_block", "-1"),
      ("vae/config.json", "scaling_factor", "0"),
      ("vae/config.json", "block_out_channels", "[8, 12, 16, 16]"),
      ("text_encoder/config.json", "num_attention_heads", "5"),
      ("text_encoder/config.json", "num_hidden_layers", "-1"),
      ("text_encoder/config.json", "vocab_size", "9223372036854775807"),
      ("text_encoder/config.json", "hidden_act", "\"relu\""),
      ("scheduler/scheduler_config.json", "beta_start", "-0.5"),
      ("scheduler/scheduler_config.json", "beta_end", "1"),
      ("scheduler/scheduler_config.json", "beta_schedule", "\"cosine\""),
      ("scheduler/scheduler_config.json", "steps_offset", "9223372036854775807"),
      ("scheduler/scheduler_config.json", "num_train_timesteps", "0"),
      ("scheduler/scheduler_config.json", "prediction_type", "\"noise\""),
      ("scheduler/scheduler_config.json", "timestep_spacing", "\"log\""),
    ])
  func badConfiguration(file: String, key: String, value: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.set(key, value, in: file)
    let message = message(copy.path)
    #expect(message.hasPrefix(copy.path + "/" + file), "\(message)")
    let words = key == "attention_head_dim" || key == "num_attention_heads" ? "head" : key
    let others = ["norm_num_groups": "groups"]
    #expect(
      message.contains(words) || message.contains(others[key] ?? words)
        || message.contains("block_out_channels"), "\(message)")
  }

  @Test(
    "No value of a configuration ends the process",
    arguments: [
      "unet/config.json", "vae/config.json", "text_encoder/config.json",
      "scheduler/scheduler_config.json", "tokenizer/tokenizer_config.json",
    ])
  func anyConfiguration(_ file: String) throws {
    let copy = try TemporaryCheckpoint()
    let original = try copy.read(file)
    let object = try JSONSerialization.jsonObject(with: Data(original))
    let keys = try #require(object as? [String: Any]).keys.sorted()
    for key in keys {
      for value in [
        nil, "-1", "0", "3", "9223372036854775807", "1e308", "-1e308", "\"x\"", "[]",
        "[1, 2, 3, 4]", "{}", "true",
      ] {
        try copy.write(original, to: file)
        try copy.set(key, value, in: file)
        #expect(!message(copy.path).hasPrefix("another error"), "\(key): \(value ?? "absent")")
      }
    }
  }

  @Test(
    "A file that is no JSON, or JSON of another kind, is refused",
    arguments: ["", "[", "[]", "3", "{\"a\":1,\"a\":2}"])
  func notJSON(_ text: String) throws {
    for file in ["unet/config.json", "scheduler/scheduler_config.json"] {
      let copy = try TemporaryCheckpoint()
      try copy.write(Array(text.utf8), to: file)
      #expect(message(copy.path).contains(file))
    }
  }

  @Test(
    "A guidance file that makes no sense is refused",
    arguments: ["[16]", "[0, 16]", "\"16x16\"", "[1, 2, 3]"])
  func guidance(_ resolution: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.write(
      Array(#"{"attend-and-excite": {"attention_resolution": \#(resolution)}}"#.utf8),
      to: "guidance.json")
    #expect(message(copy.path).contains("guidance.json"))
  }

  @Test("Text encoders with the prefix of older files, and without, are the same")
  func textPrefix() throws {
    let names = try SafetensorsFile(
      path: TemporaryCheckpoint.fixtures + "/tiny-sd1/" + TemporaryCheckpoint.text
    ).names
    let isPrefixed = names.contains { $0.hasPrefix("text_model.") }
    let copy = try TemporaryCheckpoint()
    try copy.rewrite(TemporaryCheckpoint.text) { tensors in
      for index in tensors.indices {
        let name = tensors[index].name
        tensors[index].name =
          isPrefixed ? String(name.dropFirst("text_model.".count)) : "text_model." + name
      }
      let prefix = isPrefixed ? "" : "text_model."
      tensors.append(
        (prefix + "embeddings.position_ids", .int64((0..<77).map { $0 }, shape: [1, 77])))
    }
    let (one, other) = (try LoadedCheckpoint("tiny-sd1"), try LoadedCheckpoint(path: copy.path))
    #expect(try one.embedding("a cat").tokens.values == other.embedding("a cat").tokens.values)
  }

  @Test("Weights in float16 compute what the same numbers in float32 compute")
  func halves() throws {
    let (half, full) = (try TemporaryCheckpoint(), try TemporaryCheckpoint())
    for file in [TemporaryCheckpoint.unet, TemporaryCheckpoint.text, TemporaryCheckpoint.vae] {
      for (copy, isHalf) in [(half, true), (full, false)] {
        try copy.rewrite(file) { tensors in
          for index in tensors.indices {
            guard let tensor = tensors[index].payload.tensor else { continue }
            let rounded = Tensor(
              tensor.values.map { Float(Float16($0)) }, shape: tensor.shape)
            tensors[index].payload = isHalf ? .float16(rounded) : .float32(rounded)
          }
        }
      }
    }
    var outputs: [[Float]] = []
    for copy in [half, full] {
      let model = try LoadedCheckpoint(path: copy.path)
      let pass = AttentionPass(step: 0, timestep: 9, phase: .denoise, branches: [.conditional])
      let noise = try model.unet(
        model.noise(1), timestep: 9, text: model.embedding("a frog"),
        tap: AttentionTap(pass: pass))
      outputs.append(noise.values + (try model.checkpoint.makeVAE().decode(noise).values))
    }
    #expect(outputs[0] == outputs[1])
  }

  @Test("A checkpoint without tokenizer takes CLIP's; ids that its encoder lacks are an error")
  func bundledTokenizer() throws {
    let copy = try TemporaryCheckpoint()
    try copy.remove("tokenizer")
    let model = try LoadedCheckpoint(path: copy.path)
    let text = try model.checkpoint.makeTextModel()
    #expect(
      model.encoders.tokenizer.encode("a cat").tokens.prefix(4).map(\.id) == [
        49406, 320, 2368, 49407,
      ])
    #expect(throws: DiffusionError.self) { try model.embedding("a cat") }
    #expect(throws: DiffusionError.self) { try text([[-1]]) }
    #expect(throws: DiffusionError.self) { try text([[Int](repeating: -1, count: 77)]) }
  }

  struct Poison: Sendable, CustomTestStringConvertible {
    let file: String
    let tensor: String
    let layer: String
    var phase: Phase? = .loss
    var testDescription: String { tensor }
  }

  static let poisons = [
    Poison(file: TemporaryCheckpoint.unet, tensor: "conv_in.weight", layer: "conv_in"),
    Poison(
      file: TemporaryCheckpoint.unet, tensor: "time_embedding.linear_1.bias",
      layer: "time_embedding"),
    Poison(
      file: TemporaryCheckpoint.unet, tensor: "down_blocks.0.downsamplers.0.conv.bias",
      layer: "down_blocks.0.downsamplers.0"),
    Poison(
      file: TemporaryCheckpoint.unet, tensor: "mid_block.resnets.0.norm1.weight",
      layer: "mid_block.resnets.0"),
    Poison(
      file: TemporaryCheckpoint.unet,
      tensor: "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
      layer: "down_blocks.1.attentions.0.transformer_blocks.0.attn2"),
    Poison(
      file: TemporaryCheckpoint.unet,
      tensor: "down_blocks.0.attentions.0.transformer_blocks.0.ff.net.2.bias",
      layer: "down_blocks.0.attentions.0"),
    Poison(
      file: TemporaryCheckpoint.unet, tensor: "up_blocks.3.resnets.2.conv2.bias",
      layer: "up_blocks.3.resnets.2", phase: .denoise),
    Poison(
      file: TemporaryCheckpoint.unet, tensor: "conv_out.bias", layer: "conv_out", phase: .denoise),
    Poison(
      file: TemporaryCheckpoint.text, tensor: "encoder.layers.1.mlp.fc1.weight",
      layer: "text_model.encoder.layers.1", phase: nil),
    Poison(
      file: TemporaryCheckpoint.text, tensor: "final_layer_norm.bias",
      layer: "text_model.final_layer_norm", phase: nil),
    Poison(
      file: TemporaryCheckpoint.vae, tensor: "decoder.up_blocks.1.resnets.0.conv1.weight",
      layer: "decoder.up_blocks.1.resnets.0", phase: nil),
    Poison(
      file: TemporaryCheckpoint.vae, tensor: "decoder.conv_out.bias", layer: "decoder.conv_out",
      phase: nil),
  ]

  @Test("A weight that is no number is found out at its layer, in its pass", arguments: poisons)
  func notANumber(_ poison: Poison) throws {
    for value in [Float.nan, .infinity] {
      let copy = try TemporaryCheckpoint()
      try copy.set(value, at: poison.tensor, in: poison.file)
      try copy.set("sample_size", "16", in: "unet/config.json")
      let model = try StableDiffusion(Checkpoint(copy.path))
      var request = RunRequest(
        "a cat and a frog", seed: 1, method: AttendAndExcite(), subjects: ["cat"])
      request.steps = 2
      request.grid = Grid(rows: 8, columns: 8)
      #expect(
        throws: DiffusionError.notFinite(
          layer: poison.layer, step: poison.phase == nil ? nil : 0, phase: poison.phase)
      ) {
        var sequence = try model.sequence(request)
        while try sequence.next() != nil {}
        _ = try model.pixels(sequence.latent)
      }
    }
  }

  @Test("Requests that cannot be run are refused before a pass")
  func impossibleRequests() throws {
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    let cat = "cat"
    func refuses(
      _ subjects: [String], _ method: AttendAndExcite = AttendAndExcite(),
      _ change: (inout RunRequest) -> Void = { _ in }
    ) {
      var request = RunRequest("a cat", seed: 1, method: method, subjects: subjects)
      change(&request)
      #expect(throws: (any Error).self) { try model.sequence(request) }
    }
    refuses([])
    refuses(["@76"])
    refuses(["@4"]) { $0.stopsAtEnd = true }
    refuses([cat]) { $0.steps = 0 }
    refuses([cat]) { $0.steps = 1001 }
    refuses([cat]) { $0.scheduler = "magic" }
    refuses([cat]) { $0.grid = Grid(rows: 5, columns: 5) }
    var settings = AttendAndExcite()
    settings.smoothing.kernelSize = 99
    refuses([cat], settings)
    settings.smoothing.kernelSize = 3
    settings.smoothing.sigma = -1
    refuses([cat], settings)
    settings = .init()
    for range in [[], [1], [1, -1], [.nan, 1], [1, 1, 1]] as [[Double]] {
      settings.schedule.scaleRange = range
      refuses([cat], settings)
    }
    settings = .init()
    settings.schedule.scaleFactor = .infinity
    refuses([cat], settings)
    settings = .init()
    settings.schedule.thresholds = [0: .nan]
    refuses([cat], settings)
    refuses([cat]) { $0.guidanceScale = .nan }
  }
}
