import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("Checkpoints in a single file")
struct SingleFileTests {
  private static let fixtures = TemporaryCheckpoint.fixtures

  private func loaded(_ path: String, _ options: CheckpointOptions = .init()) throws -> Checkpoint {
    let checkpoint = try Checkpoint(path, options)
    _ = try (checkpoint.makeUNet(), checkpoint.makeVAE(), checkpoint.makeTextModel())
    return checkpoint
  }

  @Test(
    "A file by its path, and the folder of just that file, give what diffusers computes",
    arguments: [
      "single-sd1", "single-sd1/described.safetensors", "single-sd2",
      "single-sd2/velocity.safetensors", "sharded",
    ])
  func golden(_ name: String) throws {
    let failures = try failures(Checkpoint(Self.fixtures + "/" + name))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test(
    "The fixtures' weights under their original names give the goldens of every part",
    arguments: ["tiny-sd1", "tiny-sd2"])
  func renamed(_ name: String) throws {
    let single = try SingleFileCheckpoint(of: name)
    let failures = try failures(Checkpoint(single.path)) { name in
      ["text.", "unet.noise", "vae."].contains(where: name.hasPrefix)
    }
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test("The settings that diffusers' pipelines set are set, and said")
  func corrections() throws {
    let notes = try Checkpoint(Self.fixtures + "/single-sd2").notes
    #expect(notes.count == 2 && notes[0].contains("clip_sample is treated as false"), "\(notes)")
    #expect(notes.last?.contains("2 of averaged weights (EMA)") == true, "\(notes)")
    #expect(notes.last?.contains("of layers that the text encoder does not use") == true)
    let one = try Checkpoint(Self.fixtures + "/single-sd1").notes
    #expect(
      one.count == 1 && one[0].contains("2 tensors: 1 position_ids, 1 of a noise schedule"),
      "\(one)")
  }

  @Test("Text encoders of files that lack transformers' prefix are the same")
  func withoutPrefix() throws {
    let single = try SingleFileCheckpoint(of: "tiny-sd1") { tensors in
      for index in tensors.indices {
        tensors[index].name = tensors[index].name.replacingOccurrences(
          of: "cond_stage_model.transformer.text_model.", with: "cond_stage_model.transformer.")
      }
    }
    let (one, other) = (try LoadedCheckpoint("tiny-sd1"), try LoadedCheckpoint(path: single.path))
    #expect(try one.embedding("a cat").tokens.values == other.embedding("a cat").tokens.values)
  }

  @Test("Hashes are of the file and of what describes it")
  func hashes() throws {
    let hashes = try Checkpoint(Self.fixtures + "/single-sd1/described.safetensors").hashes()
    #expect(
      Set(hashes.keys) == [
        "described.safetensors", "described.yaml", "vae/config.json", "text_encoder/config.json",
        "tokenizer/vocab.json", "tokenizer/merges.txt",
      ])
  }

  @Test("What the UNet predicts can be chosen, for folders too")
  func prediction() throws {
    for path in ["single-sd2", "single-sd1", "sharded"] {
      for prediction in [Prediction.epsilon, .velocity] {
        var options = CheckpointOptions()
        options.prediction = prediction
        let checkpoint = try Checkpoint(Self.fixtures + "/" + path, options)
        #expect(checkpoint.schedule.prediction == prediction)
      }
    }
  }

  // MARK: - Without configuration

  /// The tensors from which the shape of a file is read, with an SD's text width.
  private static func skeleton(
    context: Int, _ more: SingleFileCheckpoint.Tensors = []
  ) -> SingleFileCheckpoint.Tensors {
    let isTwo = context == 1024
    let unet = "model.diffusion_model."
    let block = unet + "middle_block.1."
    var shapes: [(String, [Int])] = [
      (unet + "input_blocks.0.0.weight", [128, 4, 3, 3]),
      (unet + "time_embed.0.weight", [512, 128]),
      (unet + "input_blocks.1.0.in_layers.2.weight", [128, 8, 1, 1]),
      (unet + "input_blocks.1.1.transformer_blocks.0.norm1.weight", [128]),
      (unet + "output_blocks.0.1.proj_in.weight", isTwo ? [1, 1] : [1, 1, 1, 1]),
      (block + "transformer_blocks.0.norm1.weight", [128]),
      (block + "transformer_blocks.0.attn2.to_k.weight", [2, context]),
      (block + "proj_in.weight", isTwo ? [1, 1] : [1, 1, 1, 1]),
      ("first_stage_model.encoder.conv_in.weight", [1, 3, 3, 3]),
      ("first_stage_model.decoder.conv_in.weight", [1, 4, 3, 3]),
      ("first_stage_model.encoder.down.0.block.0.conv1.weight", [32, 1, 1, 1]),
      ("first_stage_model.quant_conv.weight", [1]),
    ]
    if isTwo {
      let text = "cond_stage_model.model."
      shapes += [
        (text + "token_embedding.weight", [4, 1024]), (text + "positional_embedding", [77, 1024]),
        (text + "transformer.resblocks.0.mlp.c_fc.weight", [4, 1]),
      ]
      shapes += (0..<24).map { (text + "transformer.resblocks.\($0).ln_1.weight", [1]) }
    } else {
      let text = "cond_stage_model.transformer.text_model."
      shapes += [
        (text + "embeddings.token_embedding.weight", [4, context]),
        (text + "embeddings.position_embedding.weight", [77, context]),
        (text + "encoder.layers.0.mlp.fc1.weight", [4, 1]),
      ]
      shapes += (0..<12).map { (text + "encoder.layers.\($0).layer_norm1.weight", [1]) }
    }
    return shapes.map { ($0.0, .float32(.full(0, shape: $0.1))) } + more
  }

  @Test("Without a configuration, SD 1.x is as published: 8 heads, noise, PNDM, 512 pixels")
  func one() throws {
    let checkpoint = try SingleFileCheckpoint.open(Self.skeleton(context: 768))
    #expect(checkpoint.unetConfiguration.levels.map(\.heads) == [8])
    #expect(checkpoint.unetConfiguration.sampleRows == 64)
    #expect(checkpoint.schedule.prediction == .epsilon)
    #expect(try checkpoint.schedulerKind() == .pndm)
    #expect(checkpoint.textConfiguration.layers == 12 && checkpoint.textConfiguration.heads == 12)
    #expect(checkpoint.notes.count == 1 && checkpoint.notes[0].contains("Stable Diffusion 1.x"))
    #expect(checkpoint.layout.contains("1.x"))
  }

  @Test("Without a configuration, SD 2.x has heads of 64 and takes the last block but one")
  func two() throws {
    let checkpoint = try SingleFileCheckpoint.open(Self.skeleton(context: 1024))
    #expect(checkpoint.unetConfiguration.levels.map(\.heads) == [2])
    #expect(checkpoint.textConfiguration.layers == 23 && checkpoint.textConfiguration.heads == 16)
    #expect(checkpoint.textConfiguration.isOpen)
    #expect(try checkpoint.makeTokenizer().encode("a").tokens[5].id == 0)
  }

  @Test("A UNet that is told the weight of guidance is known by its projection")
  func guidanceInput() throws {
    let projection = ("model.diffusion_model.time_embed.cond_proj.weight", [128, 256])
    let checkpoint = try SingleFileCheckpoint.open(
      Self.skeleton(context: 768, [(projection.0, .float32(.full(0, shape: projection.1)))]))
    #expect(checkpoint.unetConfiguration.guidanceWidth == 256)
    #expect(
      try SingleFileCheckpoint.open(Self.skeleton(context: 768)).unetConfiguration.guidanceWidth
        == nil)
    let names = OriginalNames.unet(checkpoint.unetConfiguration)
    #expect(names.ours(projection.0).map(\.name) == ["time_embedding.cond_proj.weight"])
  }

  static let sources:
    [(more: SingleFileCheckpoint.Tensors, yaml: String?, Prediction, said: Bool)] =
      [
        ([], nil, .epsilon, true),
        ([telling(spread: 0.2)], nil, .velocity, true),
        ([telling(spread: 0.05)], nil, .epsilon, true),
        ([("v_pred", .float32(.full(1, shape: [1])))], nil, .velocity, false),
        ([("global_step", .int64([875_000], shape: []))], nil, .epsilon, false),
        ([telling(spread: 0.05)], "{model: {params: {parameterization: v}}}", .velocity, false),
        ([telling(spread: 0.2)], "{model: {params: {parameterization: eps}}}", .epsilon, false),
      ]

  /// The bias whose spread tells what the UNet predicts.
  private static func telling(
    spread: Float
  ) -> (name: String, payload: SafetensorsWriter.Payload) {
    (
      "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias",
      .float32(Tensor([spread, -spread], shape: [2]))
    )
  }

  @Test(
    "What SD 2.x predicts is read where something says it, and concluded aloud where nothing does")
  func source() throws {
    for (more, yaml, prediction, said) in Self.sources {
      let checkpoint = try SingleFileCheckpoint.open(Self.skeleton(context: 1024, more), yaml: yaml)
      #expect(checkpoint.schedule.prediction == prediction)
      #expect(checkpoint.notes.contains { $0.contains("predicts") } == said)
      let isLarge = prediction == .velocity
      #expect(checkpoint.unetConfiguration.sampleRows == (isLarge ? 96 : 64))
      #expect(try checkpoint.schedulerKind() == (isLarge ? .ddim : .pndm))
    }
  }

  @Test("A width of no family needs a configuration for the heads")
  func unknownWidth() {
    let unet = message { _ = try SingleFileCheckpoint.open(Self.skeleton(context: 512)) }
    #expect(unet.contains("heads of the UNet") && unet.contains("configuration"), "\(unet)")
    let yaml = "model: {params: {unet_config: {params: {num_heads: 8}}}}"
    let text = message { _ = try SingleFileCheckpoint.open(Self.skeleton(context: 96), yaml: yaml) }
    #expect(text.contains("text_encoder/config.json: not found; the number of heads of the text"))
  }

  // MARK: - Damage

  @Test("A tensor that is missing, unknown or misshapen is named as the file names it")
  func tensors() throws {
    let single = try SingleFileCheckpoint(of: "tiny-sd2") { tensors in
      let gone = [
        "model.diffusion_model.input_blocks.1.0.in_layers.0.bias",
        "cond_stage_model.model.transformer.resblocks.1.attn.in_proj_bias",
      ]
      tensors.removeAll { gone.contains($0.name) }
      tensors.append(
        ("model.diffusion_model.colour.weight", .float32(.full(1, shape: [1]))))
      for index in tensors.indices
      where tensors[index].name == "first_stage_model.decoder.mid.attn_1.q.weight" {
        tensors[index].payload = .float32(.full(1, shape: [16, 16, 3, 3]))
      }
    }
    let checkpoint = try Checkpoint(single.path)
    let unet = message { _ = try checkpoint.makeUNet() }
    #expect(unet.contains("1 missing, 1 unused, 0 of another shape"), "\(unet)")
    #expect(unet.contains("missing: model.diffusion_model.input_blocks.1.0.in_layers.0.bias"))
    #expect(unet.contains("unused: model.diffusion_model.colour.weight"))
    let text = message { _ = try checkpoint.makeTextModel() }
    #expect(text.contains("resblocks.1.attn.in_proj_bias"), "\(text)")
    let vae = message { _ = try checkpoint.makeVAE() }
    #expect(vae.contains("q.weight [16, 16, 3, 3] instead of [16, 16, 1, 1]"), "\(vae)")
  }

  @Test("A file cut anywhere is refused", arguments: [0, 7, 8, 100, 20000, 500_000])
  func truncated(_ length: Int) throws {
    let copy = try TemporaryCheckpoint(of: "single-sd1")
    try copy.write(
      try copy.read("described.safetensors").prefix(length), to: "described.safetensors")
    let message = message { _ = try loaded(copy.path) }
    #expect(message.hasPrefix(copy.path + "/described.safetensors: "), "\(message)")
  }

  @Test(
    "A configuration that contradicts the shapes is refused by its key",
    arguments: [
      ("unet/config.json", "block_out_channels", "[8, 32]"),
      ("unet/config.json", "cross_attention_dim", "768"),
      ("unet/config.json", "layers_per_block", "2"),
      ("unet/config.json", "use_linear_projection", "false"),
      ("unet/config.json", "in_channels", "\"four\""),
      ("vae/config.json", "latent_channels", "16"),
      ("text_encoder/config.json", "vocab_size", "49408"),
    ])
  func contradiction(file: String, key: String, value: String) throws {
    let copy = try TemporaryCheckpoint(of: "single-sd2")
    try copy.set(key, value, in: file)
    let message = message { _ = try Checkpoint(copy.path) }
    #expect(message.hasPrefix("\(copy.path)/\(file): .\(key): expected "), "\(message)")
    #expect(message.contains("tensors of"), "\(message)")
  }

  @Test("More text layers than the file has are missing")
  func layers() throws {
    let copy = try TemporaryCheckpoint(of: "single-sd2")
    try copy.set("num_hidden_layers", "4", in: "text_encoder/config.json")
    let message = message { _ = try loaded(copy.path) }
    #expect(message.contains("resblocks.3.") || message.contains("encoder.layers.3."), "\(message)")
  }

  @Test(
    "YAML that is none, or says what cannot be, is refused with the file",
    arguments: [
      "", "3", "- a", "model: [", "model: {params: {parameterization: w}}", "model: 3",
      "model: {params: {unet_config: {params: {num_heads: three}}}}",
      "model: {params: {unet_config: {params: {num_heads: 0}}}}",
      "model: {params: {unet_config: {params: {model_channels: 64, channel_mult: [1]}}}}",
      "model: {params: {unet_config: {params: {model_channels: 8, channel_mult: [1, -2]}}}}",
      "model: {params: {linear_start: -1, unet_config: {params: {num_heads: 8}}}}",
      "model: {params: {linear_start: .nan}}",
      "model: {params: {beta_schedule: cosine, unet_config: {params: {num_heads: 8}}}}",
      "model: {params: {}, params: {}}",
      "model: {params: {cond_stage_config: {params: {layer: first}}}}",
      "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        + "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]",
    ])
  func yaml(_ text: String) throws {
    let copy = try TemporaryCheckpoint(of: "single-sd1")
    try copy.write(Array(text.utf8), to: "described.yaml")
    let message = message { _ = try loaded(copy.path) }
    #expect(
      message.hasPrefix(copy.path + "/described.yaml: ")
        || message.contains("not a multiple of 0 heads"), "\(message)")
    #expect(!message.contains("\n"))
  }

  @Test("YAML nested without end is refused")
  func deepYAML() throws {
    let copy = try TemporaryCheckpoint(of: "single-sd1")
    for text in [
      String(repeating: "[", count: 500_000), String(repeating: "- ", count: 250_000),
      String(repeating: "{a: ", count: 200_000), String(repeating: "? ", count: 250_000),
    ] {
      try copy.write(Array(text.utf8), to: "described.yaml")
      let message = message { _ = try Checkpoint(copy.path) }
      #expect(message.hasPrefix(copy.path + "/described.yaml: "))
    }
  }

  @Test("In a folder, LoRAs and diffusers' configurations are no other checkpoint")
  func company() throws {
    let copy = try TemporaryCheckpoint(of: "single-sd2")
    try copy.write(
      try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/lora/peft.safetensors")),
      to: "lora.safetensors")
    try copy.write(
      Array(#"{"_class_name": "StableDiffusionPipeline"}"#.utf8), to: "model_index.json")
    #expect(try loaded(copy.path).layout.contains("2.x"))
  }

  @Test("Stability's YAML gives the width of heads, the text's layer and the size")
  func headWidth() throws {
    let yaml = """
      model:
        target: ldm.models.diffusion.ddpm.LatentDiffusion
        params:
          parameterization: "v"
          linear_start: 0.00085
          image_size: 48
          unet_config:
            params: {num_heads: -1, num_head_channels: 32, model_channels: 128, channel_mult: [1]}
          cond_stage_config:
            params:
              layer: last  # all of them
      """
    let checkpoint = try SingleFileCheckpoint.open(Self.skeleton(context: 1024), yaml: yaml)
    #expect(checkpoint.unetConfiguration.levels.map(\.heads) == [4])
    #expect(checkpoint.unetConfiguration.sampleRows == 48)
    #expect(checkpoint.textConfiguration.layers == 24)
    #expect(checkpoint.schedule.prediction == .velocity && checkpoint.notes.isEmpty)
  }

  @Test("A folder of two files is refused with both names; a configuration must be there")
  func ambiguous() throws {
    let copy = try TemporaryCheckpoint(of: "single-sd1")
    try copy.write(try copy.read("described.safetensors"), to: "other.safetensors")
    let two = message { _ = try Checkpoint(copy.path) }
    #expect(two.contains("described.safetensors, other.safetensors"), "\(two)")
    var options = CheckpointOptions()
    options.configuration = copy.path + "/nowhere"
    let none = message { _ = try Checkpoint(copy.path + "/described.safetensors", options) }
    #expect(none.hasPrefix(copy.path + "/nowhere: not found"), "\(none)")
    options.configuration = copy.path + "/described.yaml"
    #expect(throws: DiffusionError.self) {
      try Checkpoint(Self.fixtures + "/tiny-sd1", options)
    }
  }

  @Test("--config takes a folder or a YAML file from elsewhere")
  func configuration() throws {
    let copy = try TemporaryCheckpoint(of: "single-sd2")
    let file = copy.path + "/velocity.safetensors"
    try copy.remove("unet")
    let without = message { _ = try Checkpoint(file) }
    #expect(without.contains("heads") && without.contains("configuration"), "\(without)")
    var options = CheckpointOptions()
    options.configuration = Self.fixtures + "/single-sd2"
    _ = try loaded(file, options)
  }

  @Test("No tensor that the shape is read from can end the process", arguments: [768, 1024])
  func anyShape(_ context: Int) throws {
    let skeleton = Self.skeleton(context: context)
    for index in skeleton.indices {
      for shape in [[], [0], [1], [3, 0], [1, 1], [2, 3, 1, 1], [1, 2, 3, 4, 5]] {
        var tensors = skeleton
        tensors[index].payload = .float32(.full(0, shape: shape))
        let said = message { _ = try SingleFileCheckpoint.open(tensors) }
        #expect(!said.hasPrefix("another error"), "\(tensors[index].name) \(shape): \(said)")
      }
      var tensors = skeleton
      tensors.remove(at: index)
      let said = message { _ = try SingleFileCheckpoint.open(tensors) }
      #expect(!said.hasPrefix("another error"), "without \(skeleton[index].name): \(said)")
    }
  }
}
