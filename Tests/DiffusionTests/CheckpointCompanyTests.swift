import AttentionTrace
import Diffusion
import Foundation
import TensorEngine
import Testing

/// Complete checkpoints with more in their files, and in types and names that are rare.
@Suite("Complete checkpoints in company")
struct CheckpointCompanyTests {
  private static let fixtures = TemporaryCheckpoint.fixtures

  @Test("A crowded file in 8-bit floats and float64 gives what diffusers computes with its weights")
  func crowded() throws {
    let failures = try failures(Checkpoint(Self.fixtures + "/crowded/crowded.safetensors"))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test("What was passed over is named in one line, counted by kind; what was heeded is not")
  func note() throws {
    let path = Self.fixtures + "/crowded/crowded.safetensors"
    let notes = try Checkpoint(path).notes.filter { $0.contains("passed over") }
    #expect(notes.count == 1)
    let note = notes.first ?? ""
    #expect(note.hasPrefix(path + ": ") && !note.contains("\n"))
    for words in [
      "1 position_ids", "2 of a noise schedule (", "2 of averaged weights (EMA) (model_ema.",
      "of a ControlNet (control_model.", "2 of another text encoder (", "of a safety checker (",
      "1 of a LoRA (lora_unet_mid_block", "left over from training (", "1 of an embedding",
      "1 of CLIP that the text encoder does not use (cond_stage_model.logit_scale)",
      "of 8-bit arithmetic (", "1 of unknown use (something.else)",
    ] {
      #expect(note.contains(words), "\(words) in \(note)")
    }
    for word in ["v_pred", "global_step", "scale_weight", "weight_scale"] {
      #expect(!note.contains(word), "\(note)")
    }
  }

  @Test("The mark of zero terminal SNR sets the schedule")
  func zeroTerminal() throws {
    let single = try SingleFileCheckpoint(of: "tiny-sd2") {
      $0.append(("ztsnr", .float32(.full(1, shape: [1]))))
      $0.append(("v_pred", .float32(.full(1, shape: [1]))))
    }
    try single.copy.remove("scheduler/scheduler_config.json")
    let schedule = try Checkpoint(single.path).schedule
    #expect(schedule.prediction == .velocity)
    // A schedule that heeds the mark ends in noise alone.
    #expect((schedule.noise.cumulativeAlphas.last ?? 1) < 1e-6)
  }

  @Test("A folder with more tensors in every part, and more parts, runs as it does without")
  func folder() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    for file in [TemporaryCheckpoint.unet, TemporaryCheckpoint.vae, TemporaryCheckpoint.text] {
      try copy.rewrite(file) { tensors in
        tensors.append(("colour.weight", .float32(.full(1, shape: [2]))))
        tensors.append(("model_ema.decay", .float32(.full(1, shape: []))))
      }
    }
    try FileManager.default.createDirectory(
      atPath: copy.path + "/safety_checker", withIntermediateDirectories: true)
    try copy.set("safety_checker", "[\"stable_diffusion\", \"Checker\"]", in: "model_index.json")
    let checkpoint = try Checkpoint(copy.path)
    let failures = try failures(checkpoint) {
      ["text.", "unet.noise", "vae."].contains(where: $0.hasPrefix)
    }
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    let note = checkpoint.notes.first { $0.contains("passed over") } ?? ""
    #expect(note.contains("3 of averaged weights") && note.contains("3 of unknown use"), "\(note)")
    #expect(note.contains("safety_checker/"), "\(note)")
  }

  @Test(
    "A folder is judged by its parts, whatever pipeline saved it",
    arguments: [
      "StableDiffusionControlNetPipeline", "StableDiffusionInpaintPipeline",
      "StableDiffusionUpscalePipeline", "SemanticStableDiffusionPipeline", "MyOwnPipeline",
      "StableDiffusionGLIGENPipeline", "AnimateDiffPipeline",
    ])
  func pipelines(_ name: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.set("_class_name", "\"\(name)\"", in: "model_index.json")
    let failures = try failures(Checkpoint(copy.path)) {
      ["text.", "unet.noise", "vae."].contains(where: $0.hasPrefix)
    }
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test("A folder without model_index.json runs by its parts")
  func withoutIndex() throws {
    let copy = try TemporaryCheckpoint()
    try copy.remove("model_index.json")
    #expect(try failures(Checkpoint(copy.path)) { $0.hasPrefix("unet.noise") }.isEmpty)
  }

  @Test("A UNet with an input that Heed does not give it is refused, though all parts are there")
  func otherInputs() throws {
    for (name, words) in [
      ("label_emb.0.0.weight", "unCLIP"), ("time_stack.0.weight", "a video model"),
    ] {
      let single = try SingleFileCheckpoint(of: "tiny-sd1") {
        $0.append(("model.diffusion_model." + name, .float32(.full(1, shape: [1, 1]))))
      }
      let said = message { _ = try Checkpoint(single.path) }
      #expect(said.contains(words) && said.contains("Heed runs"), "\(said)")
    }
  }

  @Test("A scale of another shape, or that is no number, is refused by its name")
  func scales() throws {
    for (payload, words) in [
      (SafetensorsWriter.Payload.float32(.full(1, shape: [3])), "one for each of their"),
      (.float32(.full(.nan, shape: [1])), "finite numbers"),
      (.int64([1], shape: [1]), "F32"),
    ] {
      let copy = try TemporaryCheckpoint()
      try copy.rewrite(TemporaryCheckpoint.unet) { $0.append(("conv_in.scale_weight", payload)) }
      let said = message { _ = try Checkpoint(copy.path).makeUNet() }
      #expect(said.contains("conv_in.scale_weight") && said.contains(words), "\(said)")
    }
  }

  // MARK: - Autoencoders

  private static let decoded = fixtures + "/vae/decoded.safetensors"

  private func options(vae: String) -> CheckpointOptions {
    var options = CheckpointOptions()
    options.vae = Self.fixtures + "/" + vae
    return options
  }

  /// How far a checkpoint's picture of the goldens' latent is from the golden one, relative to its range.
  private func error(_ checkpoint: Checkpoint) throws -> Float {
    let golden = try SafetensorsFile(path: Self.decoded).tensor("vae.decoded").values
    var source = TorchRandomSource(seed: 5)
    let latent = source.normal(shape: [1, 4, 16, 16])
    let got = try checkpoint.makeVAE().decode(latent).values
    #expect(got.count == golden.count)
    let range = (golden.max() ?? 0) - (golden.min() ?? 0)
    return (zip(got, golden).map { abs($0 - $1) }.max() ?? .infinity) / range
  }

  @Test(
    "An autoencoder is taken from a file or a folder, by any of its names, into a folder or a file",
    arguments: [
      "vae/original", "vae/original/model.safetensors", "vae/newer/model.safetensors",
      "vae/older/model.safetensors", "vae/prefixed/model.safetensors", "vae/folder",
      "vae/folder/diffusion_pytorch_model.safetensors", "vae/folder-older",
    ])
  func vae(_ path: String) throws {
    for model in ["sharded", "single-sd1"] {
      let checkpoint = try Checkpoint(Self.fixtures + "/" + model, options(vae: path))
      #expect(try error(checkpoint) < 2e-4)
      let unet = try failures(checkpoint) { $0.hasPrefix("unet.noise") }
      #expect(unet.isEmpty, "\(unet)")
    }
    // Its own gives another picture, or the golden one would show nothing.
    #expect(try error(Checkpoint(Self.fixtures + "/sharded")) > 1e-2)
  }

  @Test("An autoencoder is taken from a whole checkpoint, in a folder and in a file")
  func fromCheckpoint() throws {
    for path in ["sharded", "crowded/crowded.safetensors", "crowded"] {
      let checkpoint = try Checkpoint(Self.fixtures + "/single-sd1", options(vae: path))
      let own = try Checkpoint(Self.fixtures + "/" + path)
      let latent = Tensor.full(0.3, shape: [1, 4, 4, 4])
      #expect(
        try checkpoint.makeVAE().decode(latent).values == own.makeVAE().decode(latent).values)
    }
  }

  @Test("A checkpoint without an autoencoder runs with one beside it, and asks for it otherwise")
  func without() throws {
    let folder = try TemporaryCheckpoint(of: "sharded")
    try FileManager.default.removeItem(atPath: folder.path + "/vae")
    let single = try SingleFileCheckpoint(of: "tiny-sd1") { tensors in
      tensors.removeAll { $0.name.hasPrefix("first_stage_model.") }
    }
    for path in [folder.path, single.path] {
      #expect(message { _ = try Checkpoint(path) }.contains("vae"))
      #expect(try error(Checkpoint(path, options(vae: "vae/folder"))) < 2e-4)
    }
    #expect(message { _ = try Checkpoint(single.path) }.contains("--vae"))
  }

  @Test("The autoencoder is known by its path and its hash, and its run is found again")
  func hashes() throws {
    let plain = try Checkpoint(Self.fixtures + "/sharded").hashes()
    let checkpoint = try Checkpoint(Self.fixtures + "/sharded", options(vae: "vae/folder"))
    let hashes = try checkpoint.hashes()
    #expect(hashes["vae diffusion_pytorch_model.safetensors"]?.count == 64)
    #expect(hashes["vae config.json"]?.count == 64)
    #expect(!hashes.keys.contains { $0.hasPrefix("vae/") })
    #expect(hashes["unet/config.json"] == plain["unet/config.json"])
    #expect(checkpoint.source.options["vae"] == Self.fixtures + "/vae/folder")
  }

  @Test("What is given as an autoencoder and is none is named")
  func noVAE() throws {
    for (path, words) in [
      ("lora/kohya.safetensors", "a LoRA"), ("nowhere", "no such autoencoder"),
      ("sharded/unet", "config.json"), ("lora/kinds/goldens.safetensors", "no autoencoder"),
    ] {
      let said = message { _ = try Checkpoint(Self.fixtures + "/sharded", options(vae: path)) }
      #expect(said.contains(path) && said.contains(words), "\(said)")
    }
  }
}
