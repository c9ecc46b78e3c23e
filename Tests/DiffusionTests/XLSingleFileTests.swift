import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("Stable Diffusion XL in a single file")
struct XLSingleFileTests {
  private typealias Tensors = SingleFileCheckpoint.Tensors

  private static let fixtures = TemporaryCheckpoint.fixtures

  /// The tensors from which the published shape is read, each as small as it may be.
  private static let skeleton: Tensors = {
    let unet = "model.diffusion_model."
    var shapes: [(String, [Int])] = [
      (unet + "input_blocks.0.0.weight", [320, 4, 1, 1]),
      (unet + "time_embed.0.weight", [1280, 1]), (unet + "label_emb.0.0.weight", [1, 2816]),
    ]
    for (block, width, depth) in [
      (1, 320, 0), (2, 320, 0), (4, 640, 2), (5, 640, 2), (7, 1280, 10), (8, 1280, 10),
    ] {
      let name = unet + "input_blocks.\(block)."
      shapes.append((name + "0.in_layers.2.weight", [width, 1, 1, 1]))
      shapes += (0..<depth).map { (name + "1.transformer_blocks.\($0).norm1.weight", [1]) }
    }
    shapes += [3, 6].map { (unet + "input_blocks.\($0).0.op.weight", [1]) }
    shapes += [0, 3].map { (unet + "output_blocks.\($0).1.proj_in.weight", [1, 1]) }
    let middle = unet + "middle_block.1."
    shapes += (0..<10).map { (middle + "transformer_blocks.\($0).norm1.weight", [1]) }
    shapes += [
      (middle + "transformer_blocks.0.attn2.to_k.weight", [1, 2048]),
      (middle + "proj_in.weight", [1, 1]),
      ("first_stage_model.encoder.conv_in.weight", [1, 3, 3, 3]),
      ("first_stage_model.decoder.conv_in.weight", [1, 4, 3, 3]),
      ("first_stage_model.encoder.down.0.block.0.conv1.weight", [32, 1, 1, 1]),
      ("first_stage_model.quant_conv.weight", [1]),
    ]
    let first = "conditioner.embedders.0.transformer.text_model."
    shapes += [
      (first + "embeddings.token_embedding.weight", [4, 768]),
      (first + "embeddings.position_embedding.weight", [77, 768]),
      (first + "encoder.layers.0.mlp.fc1.weight", [4, 1]),
    ]
    shapes += (0..<12).map { (first + "encoder.layers.\($0).layer_norm1.weight", [1]) }
    let second = "conditioner.embedders.1.model."
    shapes += [
      (second + "token_embedding.weight", [4, 1280]),
      (second + "positional_embedding", [77, 1280]), (second + "text_projection", [1, 1280]),
      (second + "transformer.resblocks.0.mlp.c_fc.weight", [4, 1]),
    ]
    shapes += (0..<32).map { (second + "transformer.resblocks.\($0).ln_1.weight", [1]) }
    return shapes.map { ($0.0, .float32(.full(0, shape: $0.1))) }
  }()

  /// The skeleton with a tensor of another shape.
  private static func skeleton(_ name: String, _ shape: [Int]) -> Tensors {
    skeleton.filter { $0.name != name } + [(name, .float32(.full(1, shape: shape)))]
  }

  @Test("Without a configuration, it is as published")
  func published() throws {
    let checkpoint = try SingleFileCheckpoint.open(Self.skeleton)
    let unet = checkpoint.unetConfiguration
    #expect(unet.levels.map(\.heads) == [5, 10, 20])
    #expect(unet.contextWidth == 2048 && unet.sampleRows == 128 && unet.sampleColumns == 128)
    let first = checkpoint.textConfiguration
    #expect(first.layers == 12 && first.heads == 12 && !first.isOpen)
    let second = try #require(checkpoint.secondTextConfiguration)
    #expect(second.layers == 32 && second.heads == 20 && second.width == 1280 && second.isOpen)
    #expect(checkpoint.vaeConfiguration.scalingFactor == 0.13025)
    #expect(checkpoint.isXL && checkpoint.zeroesAbsentText && checkpoint.layout.contains("XL"))
    #expect(checkpoint.notes.count == 1 && checkpoint.notes[0].contains("Stable Diffusion XL"))
    // CLIP's texts are padded with the end, OpenCLIP's with zero.
    #expect(try checkpoint.makeTokenizer().encode("a").tokens[5].id == 49407)
    let tokenizer = try checkpoint.makeTokenizer(of: .secondTextEncoder)
    #expect(tokenizer.encode("a").tokens[5].id == 0)
  }

  private static let flag = SafetensorsWriter.Payload.float32(.full(1, shape: [1]))

  private static let marks:
    [(marks: [String], metadata: [String: String], Prediction, isTrailing: Bool)] = [
      ([], [:], .epsilon, false), (["v_pred"], [:], .velocity, false),
      (["v_pred", "ztsnr"], [:], .velocity, true), (["ztsnr"], [:], .epsilon, true),
      ([], ["modelspec.prediction_type": "v"], .velocity, false),
      (["v_pred"], ["modelspec.prediction_type": "epsilon"], .epsilon, false),
    ]

  @Test("What a fine-tune predicts, and that it ends without signal, is read from its marks")
  func schedule() throws {
    for (marks, metadata, prediction, isTrailing) in Self.marks {
      let checkpoint = try SingleFileCheckpoint.open(
        Self.skeleton + marks.map { ($0, Self.flag) }, metadata: metadata)
      #expect(try checkpoint.schedulerKind() == .euler)
      #expect(checkpoint.schedule.prediction == prediction)
      let settings = checkpoint.schedule.settings
      #expect(settings["timestep_spacing"] == (isTrailing ? "trailing" : "leading"))
      #expect(settings["rescale_betas_zero_snr"] == String(isTrailing), "\(marks)")
      #expect(settings["steps_offset"] == "1")
      // A mark is no weight that was passed over.
      #expect(checkpoint.notes.count == 1, "\(checkpoint.notes)")
    }
  }

  // MARK: - Weights

  /// A copy of tiny-xl-v whose weights are one file, beside all configurations but those of `without`.
  private func file(
    without folders: [String] = [], _ edit: (inout Tensors) throws -> Void
  ) throws -> TemporaryCheckpoint {
    let copy = try TemporaryCheckpoint(of: "tiny-xl-v")
    for name in ["unet", "vae"] { try copy.remove(name + "/diffusion_pytorch_model.safetensors") }
    for name in ["text_encoder", "text_encoder_2"] { try copy.remove(name + "/model.safetensors") }
    try copy.remove("model_index.json")
    for folder in folders { try copy.remove(folder) }
    let source = try SafetensorsFile(path: Self.fixtures + "/xl/single.safetensors")
    var tensors: Tensors = try source.names.map { ($0, .float32(try source.tensor($0))) }
    try edit(&tensors)
    try SafetensorsWriter.write(tensors, to: copy.path + "/model.safetensors")
    return copy
  }

  private func latent(_ checkpoint: Checkpoint) throws -> Tensor {
    var request = RunRequest("a cat and a frog", seed: 3, subjects: [])
    (request.steps, request.recording, request.negativePrompt) = (3, nil, "a dog")
    var sequence = try StableDiffusion(checkpoint).plan(request).sequence()
    while try sequence.next() != nil {}
    return sequence.latent
  }

  @Test("The marks of a schedule that ends without signal stand for the scheduler's configuration")
  func marked() throws {
    let marked = try file(without: ["scheduler"]) { tensors in
      tensors += ["v_pred", "ztsnr"].map { ($0, Self.flag) }
    }
    let unmarked = try file(without: ["scheduler"]) { _ in }
    let expected = try latent(Checkpoint(Self.fixtures + "/tiny-xl-v")).values
    #expect(try latent(Checkpoint(marked.path)).values == expected)
    #expect(try latent(Checkpoint(unmarked.path)).values != expected)
  }

  @Test("An autoencoder in float16 computes in float32 from what it holds")
  func halfAutoencoder() throws {
    let prefix = "first_stage_model."
    let half = try file { tensors in
      for index in tensors.indices where tensors[index].name.hasPrefix(prefix) {
        guard let tensor = tensors[index].payload.tensor else { continue }
        tensors[index].payload = .float16(tensor)
      }
    }
    let rounded = try SafetensorsFile(path: half.path + "/model.safetensors")
    let widened = try file { tensors in
      for index in tensors.indices where tensors[index].name.hasPrefix(prefix) {
        tensors[index].payload = .float32(try rounded.tensor(tensors[index].name))
      }
    }
    var source = TorchRandomSource(seed: 4)
    let latent = source.normal(shape: [1, 4, 8, 8])
    let pictures = try [half, widened].map { copy in
      try Checkpoint(copy.path).makeVAE().decode(latent)
    }
    #expect(pictures[0].isFinite && pictures[0].values == pictures[1].values)
  }

  // MARK: - Damage

  @Test(
    "A tensor that is missing is named as the file names it",
    arguments: [
      "conditioner.embedders.0.transformer.text_model.encoder.layers.1.mlp.fc1.bias",
      "conditioner.embedders.1.model.transformer.resblocks.2.attn.in_proj_bias",
      "conditioner.embedders.1.model.text_projection",
      "conditioner.embedders.1.model.ln_final.weight",
      "model.diffusion_model.label_emb.0.0.weight", "model.diffusion_model.label_emb.0.2.bias",
    ])
  func missing(_ name: String) throws {
    let copy = try file { tensors in tensors.removeAll { $0.name == name } }
    let said = message {
      let checkpoint = try Checkpoint(copy.path)
      _ = try (checkpoint.makeUNet(), checkpoint.makeTextEncoders())
    }
    #expect(said.contains("1 missing") && said.contains(name), "\(said)")
  }

  @Test("Without the embedding of sizes it is no checkpoint, and says so")
  func withoutSizes() throws {
    let copy = try file { tensors in tensors.removeAll { $0.name.contains("label_emb.") } }
    let said = message { _ = try Checkpoint(copy.path) }
    #expect(said.contains("missing: model.diffusion_model.label_emb.0.0.weight"), "\(said)")
  }

  @Test("No tensor that the shape is read from can end the process")
  func anyShape() throws {
    for index in Self.skeleton.indices {
      let name = Self.skeleton[index].name
      // A layer is as another is.
      if name.contains("ln_1.") || name.contains("norm1.") { continue }
      for shape in [[], [0], [1], [3, 0], [1, 1], [2, 3, 1, 1], [1, 2, 3, 4, 5]] {
        let said = message { _ = try SingleFileCheckpoint.open(Self.skeleton(name, shape)) }
        #expect(!said.hasPrefix("another error"), "\(name) \(shape): \(said)")
      }
      var tensors = Self.skeleton
      tensors.remove(at: index)
      let said = message { _ = try SingleFileCheckpoint.open(tensors) }
      #expect(!said.hasPrefix("another error"), "without \(name): \(said)")
    }
  }

  // MARK: - Other models of its family

  private static let input = "model.diffusion_model.input_blocks.0.0.weight"

  @Test("Models of the same parts that need something else are named, whole files too")
  func kinds() throws {
    for (tensors, words) in [
      (Self.skeleton("edm_mean", [1]), "Playground 2.5"),
      (Self.skeleton("edm_vpred.sigma_max", []), "CosXL"),
      (Self.skeleton(Self.input, [320, 9, 3, 3]), "inpainting"),
      (Self.skeleton(Self.input, [320, 8, 3, 3]), "InstructPix2Pix"),
      (Self.skeleton("model.diffusion_model.time_stack.0.weight", [1]), "a video model"),
    ] {
      let said = message { _ = try SingleFileCheckpoint.open(tensors) }
      #expect(said.contains(words) && said.contains("does not support"), "\(said)")
    }
  }

  @Test("A part that the file lacks is named")
  func lacking() throws {
    for (prefix, words) in [
      ("conditioner.embedders.0.", "without text encoder; give the folder"),
      ("conditioner.embedders.1.", "without second text encoder; give the folder"),
      ("first_stage_model.", "without autoencoder; give one by --vae"),
      ("model.diffusion_model.", "without UNet; give the folder"),
    ] {
      let said = message {
        _ = try SingleFileCheckpoint.open(Self.skeleton.filter { !$0.name.hasPrefix(prefix) })
      }
      #expect(said.contains(words), "\(said)")
    }
    let unet = Self.skeleton.filter { $0.name.hasPrefix("model.diffusion_model.") }
    let alone = message { _ = try SingleFileCheckpoint.open(unet) }
    #expect(alone.contains("a UNet in the original layout, alone") && alone.contains("--unet"))
    // The refiner has OpenCLIP's encoder in the first place.
    let refiner = Self.skeleton.compactMap { name, payload in
      name.hasPrefix("conditioner.embedders.0.")
        ? nil : (name.replacingOccurrences(of: "embedders.1.", with: "embedders.0."), payload)
    }
    let said = message { _ = try SingleFileCheckpoint.open(refiner) }
    #expect(said.contains("the Stable Diffusion XL refiner") && said.contains("scores"), "\(said)")
  }
}
