import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

/// What diffusers' `StableDiffusionXLPipeline` computes; goldens of `make_xl_models.py`.
@Suite("Stable Diffusion XL")
struct XLTests {
  private static let fixtures = TemporaryCheckpoint.fixtures
  private static let base = fixtures + "/tiny-xl"
  private static let folder = fixtures + "/xl"

  private static func latent(
    _ prompt: String = "a cat and a frog", _ options: CheckpointOptions = CheckpointOptions(),
    _ change: (inout RunRequest) -> Void = { _ in }
  ) throws -> Tensor {
    var request = RunRequest(prompt, seed: 7, subjects: [])
    (request.steps, request.recording) = (4, nil)
    change(&request)
    var sequence = try StableDiffusion(Checkpoint(base, options)).plan(request).sequence()
    while try sequence.next() != nil {}
    return sequence.latent
  }

  private static func expectGolden(_ name: String, _ latent: Tensor) throws {
    let golden = try SafetensorsFile(path: folder + "/prompts.safetensors").tensor(name)
    expectClose(latent, golden, relative: 2e-4, name)
  }

  private static let changes: [(String, @Sendable (inout RunRequest) -> Void)] = [
    ("plain", { _ in }), ("negative", { $0.negativePrompt = "a red dog" }),
    ("second", { $0.secondPrompt = "a mouse in the snow" }),
    (
      "second-negative",
      { ($0.negativePrompt, $0.secondNegativePrompt) = ("a red dog", "a blue car") }
    ),
    ("skip", { $0.clipSkip = 1 }),
    (
      "sizes",
      {
        $0.originalSize = ImageSize(width: 96, height: 64)
        $0.crop = CropCorner(top: 16, left: 24)
      }
    ),
  ]

  @Test("Prompts, layers that are skipped and sizes give diffusers' latents", arguments: changes)
  func prompts(_ name: String, _ change: @Sendable (inout RunRequest) -> Void) throws {
    try Self.expectGolden(name, Self.latent("a cat and a frog", CheckpointOptions(), change))
  }

  @Test("A word with vectors for both text encoders gives diffusers' latent")
  func embedding() throws {
    var options = CheckpointOptions()
    options.embeddings = [
      TextualInversion(path: Self.folder + "/toy.safetensors", word: "toy-word")
    ]
    try Self.expectGolden("embedding", Self.latent("a toy-word and a frog", options))
  }

  @Test(
    "A LoRA of the UNet and both text encoders gives diffusers' latent, by either layout's names",
    arguments: ["peft", "kohya"])
  func lora(_ layout: String) throws {
    var options = CheckpointOptions()
    options.loras = [LoRA(path: "\(Self.folder)/\(layout).safetensors")]
    try Self.expectGolden("lora", Self.latent("a cat and a frog", options))
  }

  @Test("A file in the original layout is the checkpoint in diffusers'")
  func singleFile() throws {
    var options = CheckpointOptions()
    options.configuration = Self.fixtures + "/tiny-xl-v"
    let file = try Checkpoint(Self.folder + "/single.safetensors", options)
    #expect(file.isXL && file.layout.hasSuffix("Stable Diffusion XL"))
    let models = try [file, Checkpoint(Self.fixtures + "/tiny-xl-v")].map {
      try StableDiffusion($0)
    }
    let latents = try models.map { model in
      var request = RunRequest("a cat and a frog", seed: 3, subjects: [])
      (request.steps, request.recording, request.scheduler) = (2, nil, "euler")
      request.negativePrompt = "a dog"
      var sequence = try model.plan(request).sequence()
      while try sequence.next() != nil {}
      return (sequence.latent.values, try model.pixels(sequence.latent))
    }
    #expect(latents[0] == latents[1])
  }

  @Test(
    "Another UNet of the same shape takes the place of the checkpoint's, from a file or a folder")
  func otherUNet() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    try copy.set(0.5, at: "conv_out.bias", in: TemporaryCheckpoint.unet)
    let expected = try Self.latent()
    for path in [copy.path + "/" + TemporaryCheckpoint.unet, copy.path, copy.path + "/unet"] {
      var options = CheckpointOptions()
      options.unet = path
      #expect(try Self.latent("a cat and a frog", options).values != expected.values, "\(path)")
      #expect(try Checkpoint(Self.base, options).hashes().keys.contains { $0.hasPrefix("unet ") })
    }
    var options = CheckpointOptions()
    options.unet = Self.base + "/" + TemporaryCheckpoint.unet
    #expect(try Self.latent("a cat and a frog", options).values == expected.values)
    options.unet = Self.base + "/" + TemporaryCheckpoint.vae
    #expect(throws: DiffusionError.self) { try Checkpoint(Self.base, options) }
  }

  @Test("An absent negative prompt is zeros only where the checkpoint says so")
  func zeros() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    #expect(try Checkpoint(copy.path).zeroesAbsentText)
    try copy.set("force_zeros_for_empty_prompt", "false", in: "model_index.json")
    #expect(try !Checkpoint(copy.path).zeroesAbsentText)
    #expect(try !Checkpoint(Self.fixtures + "/tiny-sd1").zeroesAbsentText)
  }

  @Test("A second prompt has a table of its own, on the same keys")
  func secondTable() throws {
    var request = RunRequest("a cat and a frog", seed: 7, subjects: ["cat", "frog"])
    request.secondPrompt = "a mouse in the snow"
    let plan = try StableDiffusion(Checkpoint(Self.base)).plan(request)
    let tables = plan.texts.filter { $0.role == .prompt }
    #expect(tables.map(\.encoder) == ["text_encoder", "text_encoder_2"])
    #expect(tables.map { $0.table.tokens.count } == [77, 77])
    #expect(tables[1].table.words.map(\.text) == ["a", "mouse", "in", "the", "snow"])
    #expect(plan.sites.allSatisfy { $0.kind != .cross || $0.keys == 77 })
  }

  @Test("A run's request has its sizes and both prompts, and makes the same run again")
  func record() throws {
    var request = RunRequest("a cat and a frog", seed: 7)
    (request.secondPrompt, request.secondNegativePrompt) = ("a mouse", "a dog")
    let plan = try StableDiffusion(Checkpoint(Self.base)).plan(request)
    #expect(plan.request.originalSize == ImageSize(width: 128, height: 128))
    #expect(plan.request.crop == CropCorner(top: 0, left: 0))
    #expect(try RunRequest(plan.request.record) == plan.request)
  }

  @Test("The refiner is named and refused, as are XL's options with another checkpoint")
  func refused() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    try copy.remove("text_encoder")
    let error = #expect(throws: DiffusionError.self) { try Checkpoint(copy.path) }
    #expect("\(try #require(error))".contains("refiner"))
    for (_, change) in Self.changes where true {
      var request = RunRequest("a cat", seed: 1, subjects: [])
      change(&request)
      guard request.secondPrompt != nil || request.originalSize != nil else { continue }
      let model = try StableDiffusion(Checkpoint(Self.fixtures + "/tiny-sd1"))
      #expect(throws: DiffusionError.self) { try model.plan(request) }
    }
  }

  @Test(
    "A configuration that cannot be is refused with its key",
    arguments: [
      ("addition_embed_type", "\"text_image\""), ("addition_time_embed_dim", "0"),
      ("projection_class_embeddings_input_dim", "48"),
      ("projection_class_embeddings_input_dim", "90"), ("cross_attention_dim", "48"),
    ])
  func badConfiguration(_ key: String, _ value: String) throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    try copy.set(key, value, in: "unet/config.json")
    let error = #expect(throws: (any Error).self) { try Checkpoint(copy.path) }
    #expect("\(try #require(error))".contains(key))
  }
}
