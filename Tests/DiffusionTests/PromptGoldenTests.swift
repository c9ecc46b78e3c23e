import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

/// Against `Fixtures/make_prompt_goldens.py`.
@Suite("Prompts that are more than text")
struct PromptGoldenTests {
  private static let folder = TemporaryCheckpoint.fixtures + "/prompts"
  private static let base = TemporaryCheckpoint.fixtures + "/tiny-sd1"

  private static func golden(_ name: String) throws -> Tensor {
    try SafetensorsFile(path: folder + "/goldens.safetensors").tensor(name)
  }

  private static func notes() throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/goldens.json"))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  /// What a run gives that starts and goes as those of the goldens do.
  private static func latent(
    _ prompt: String, on checkpoint: Checkpoint, _ change: (inout RunRequest) -> Void = { _ in }
  ) throws -> (embedding: Tensor, latent: Tensor, plan: PlannedRun) {
    var request = RunRequest(prompt, seed: 7, subjects: [])
    (request.steps, request.recording) = (4, nil)
    change(&request)
    let plan = try StableDiffusion(checkpoint).plan(request)
    var sequence = try plan.sequence()
    while try sequence.next() != nil {}
    return (try plan.embedding(of: plan.prompt).tokens, sequence.latent, plan)
  }

  private static func expectGolden(
    _ name: String, _ made: (embedding: Tensor, latent: Tensor, plan: PlannedRun)
  ) throws {
    expectClose(
      made.embedding, try golden("embedding." + name), relative: 2e-4, "embedding of \(name)")
    expectClose(made.latent, try golden("latent." + name), relative: 2e-4, "latent of \(name)")
  }

  // MARK: - Textual inversion

  private static func embedded(_ files: [TextualInversion]) throws -> Checkpoint {
    var options = CheckpointOptions()
    options.embeddings = files
    return try Checkpoint(base, options)
  }

  private static let catToyFile = TextualInversion(path: folder + "/cat-toy.safetensors")
  private static let webUIFile = TextualInversion(path: folder + "/web-ui.safetensors")

  @Test(
    "Embeddings of either layout give what diffusers computes",
    arguments: [
      ("cat-toy", "a <cat-toy> and a frog", [catToyFile]),
      ("both", "a red <cat-toy>, web-ui and a dog", [catToyFile, webUIFile]),
    ])
  func inversion(_ name: String, _ prompt: String, _ files: [TextualInversion]) throws {
    try Self.expectGolden(name, try Self.latent(prompt, on: Self.embedded(files)))
  }

  @Test("A tokenizer's word of several vectors is all of them")
  func vectors() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    for name in ["vocab.json", "merges.txt"] { try copy.remove("tokenizer/" + name) }
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/tokenizer/\(name)"))
      try copy.write(bytes, to: "tokenizer/" + name)
    }
    let rows = try SafetensorsFile(path: Self.folder + "/tokenizer/rows.safetensors").tensor("rows")
    try copy.rewrite(TemporaryCheckpoint.text) { tensors in
      for index in tensors.indices where tensors[index].name.hasSuffix("token_embedding.weight") {
        guard let table = tensors[index].payload.tensor else { continue }
        tensors[index].payload = .float32(.concatenated([table, rows], axis: 0))
      }
    }
    try copy.set("vocab_size", "656", in: "text_encoder/config.json")
    let made = try Self.latent("a red <x> and a frog", on: Checkpoint(copy.path))
    try Self.expectGolden("folder", made)
    let word = try WordReference("<x>").subject(in: made.plan.prompt)
    #expect(word == Subject(name: "<x>", tokens: [3, 4, 5]))
  }

  @Test("A word owns all vectors of its embedding, in any case and as a subject")
  func owned() throws {
    let tokenizer = try Self.embedded([Self.catToyFile, Self.webUIFile]).makeTokenizer()
    let ids = try #require(try Self.notes()["ids.cat-toy"] as? [Int])
    let table = tokenizer.encode("a <Cat-Toy> and a frog.")
    #expect(tokenizer.encode("a <cat-toy> and a frog").ids == ids)
    #expect(table.words[1].tokens == [2, 3, 4])
    #expect(table.tokens[2...4].map(\.piece) == ["<cat-toy>", "<cat-toy>_1", "<cat-toy>_2"])
    #expect(SubjectSelection.certain(in: table)?.map(\.tokens) == [[2, 3, 4], [7]])
    #expect(tokenizer.encode("web-ui web-ui").words.map(\.tokens) == [[1, 2], [3, 4]])
  }

  @Test("An embedding under another word is the same embedding")
  func renamed() throws {
    let named = TextualInversion(path: Self.catToyFile.path, word: "sks")
    let made = try Self.latent("a sks and a frog", on: Self.embedded([named]))
    try Self.expectGolden("cat-toy", made)
    #expect(made.plan.prompt.words.map(\.text) == ["a", "sks", "and", "a", "frog"])
  }

  @Test("What is no embedding of the checkpoint is refused by what it is")
  func refusals() throws {
    let folder = try TemporaryFolder()
    func file(_ tensors: [(String, Tensor)]) throws -> TextualInversion {
      let path = folder.path + "/\(UUID().uuidString).safetensors"
      try SafetensorsWriter.write(
        tensors.map { (name: $0.0, payload: SafetensorsWriter.Payload.float32($0.1)) }, to: path)
      return TextualInversion(path: path)
    }
    func refused(_ inversion: TextualInversion, _ words: [String]) {
      #expect("\(inversion.path)") {
        let checkpoint = try Self.embedded([inversion])
        _ = (try checkpoint.makeTokenizer(), try checkpoint.makeTextModel())
      } throws: { error in
        words.allSatisfy { "\(error)".contains($0) }
      }
    }
    let vector = Tensor([Float](repeating: 1, count: 32), shape: [1, 32])
    let wide = Tensor([Float](repeating: 1, count: 64), shape: [1, 64])
    let infinite = Tensor([Float](repeating: .infinity, count: 32), shape: [1, 32])
    refused(
      TextualInversion(path: folder.path + "/word.pt"),
      ["pickled", "torch.load", "string_to_param"])
    refused(try file([("<y>", wide)]), ["width 64", "width 32"])
    refused(try file([("<y>", infinite)]), ["<y>", "finite"])
    refused(try file([("clip_l", vector), ("clip_g", wide)]), ["Stable Diffusion XL"])
    refused(try file([("a.lora_down.weight", vector), ("b", wide)]), ["LoRA", "--lora"])
    refused(try file([("<start>", vector)]), ["<start>", "expected"])
    refused(try file([("a", vector)]), ["\"a\"", "vocabulary already"])
    refused(TextualInversion(path: folder.path + "/none.safetensors"), ["none.safetensors"])
  }

  @Test("An embedding is part of what a checkpoint is")
  func hashes() throws {
    let plain = try Checkpoint(Self.base).hashes()
    let embedded = try Self.embedded([Self.catToyFile]).hashes()
    #expect(
      Set(embedded.keys).subtracting(plain.keys) == ["embedding cat-toy.safetensors:<cat-toy>"])
  }

  // MARK: - CLIP skip

  @Test("CLIP skip leaves out the last layers, as diffusers does", arguments: [1, 2, 3])
  func clipSkip(_ skip: Int) throws {
    let made = try Self.latent("a mouse and a red car", on: Checkpoint(Self.base)) {
      $0.clipSkip = skip
    }
    expectClose(made.embedding, try Self.golden("embedding.skip-\(skip)"), relative: 2e-4)
    if skip == 1 { expectClose(made.latent, try Self.golden("latent.skip-1"), relative: 2e-4) }
    #expect(try RunRequest(made.plan.request.record).clipSkip == skip)
  }

  @Test("A text encoder of fewer layers in its configuration than in its file is the shorter one")
  func fewerLayers() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    try copy.set("num_hidden_layers", "2", in: "text_encoder/config.json")
    let made = try Self.latent("a mouse and a red car", on: Checkpoint(copy.path))
    expectClose(made.embedding, try Self.golden("embedding.skip-1"), relative: 2e-4)
  }

  @Test("More layers than there are cannot be skipped")
  func tooManyLayers() throws {
    for skip in [-1, 4] {
      #expect(throws: DiffusionError.self) {
        try Self.latent("a cat", on: Checkpoint(Self.base)) { $0.clipSkip = skip }
      }
    }
  }

  // MARK: - Windows and weights

  @Test(
    "Windows and weights are those of the web UI",
    arguments: ["weights", "escapes", "break", "long", "long-weights"])
  func windowsAndWeights(_ name: String) throws {
    let notes = try Self.notes()
    let prompts = try #require(notes["prompts." + name] as? [Any])
    let prompt = try #require(prompts[0] as? String)
    let negative = try #require(prompts[1] as? String)
    let isPlain = try #require(prompts[2] as? Bool)
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    let bias = try SafetensorsFile(path: Self.folder + "/final-norm.safetensors").tensor("bias")
    try copy.rewrite(TemporaryCheckpoint.text) { tensors in
      for index in tensors.indices where tensors[index].name.hasSuffix("final_layer_norm.bias") {
        tensors[index].payload = .float32(bias)
      }
    }
    let made = try Self.latent(prompt, on: Checkpoint(copy.path)) {
      $0.negativePrompt = negative
      $0.reading = PromptReading(syntax: isPlain ? .plain : .webui, isLong: isPlain)
    }
    #expect(made.plan.prompt.tokens.map(\.id) == notes["ids." + name] as? [Int])
    let other = try #require(made.plan.texts.first { $0.role == .negative })
    #expect(other.table.tokens.map(\.id) == notes["negative-ids." + name] as? [Int])
    #expect(other.segments.count == other.table.tokens.count / 77)
    try Self.expectGolden(name, made)
    let again = try RunRequest(made.plan.request.record)
    #expect(again.reading == made.plan.request.reading)
  }

  @Test("A text encoder of more positions reads longer prompts")
  func longCLIP() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    try copy.set("max_position_embeddings", "248", in: "text_encoder/config.json")
    var source = TorchRandomSource(seed: 3)
    try copy.rewrite(TemporaryCheckpoint.text) { tensors in
      for index in tensors.indices
      where tensors[index].name.hasSuffix("position_embedding.weight") {
        guard let table = tensors[index].payload.tensor else { continue }
        tensors[index].payload = .float32(
          .concatenated([table, source.normal(shape: [171, 32])], axis: 0))
      }
    }
    let checkpoint = try Checkpoint(copy.path)
    #expect(checkpoint.notes.contains { $0.contains("77") && $0.contains("248") })
    let prompt = [String](repeating: "a red car and a mouse", count: 20).joined(separator: " ")
    let plan = try StableDiffusion(checkpoint).plan(RunRequest(prompt, seed: 0, subjects: []))
    #expect(plan.prompt.tokens.count == 248)
    #expect(plan.prompt.leftOut.isEmpty)
    #expect(plan.sites.allSatisfy { $0.kind != .cross || $0.keys == 248 })
    // The first positions are those of the shorter encoder, which is causal.
    let short = try LoadedCheckpoint("tiny-sd1").embedding("a cat")
    let long = try LoadedCheckpoint(path: copy.path).embedding("a cat")
    expectClose(
      Array(long.tokens.values.prefix(4 * 32)), short.tokens.values.prefix(4 * 32).map(Double.init),
      relative: 1e-5)
  }

  @Test("A prompt's parts are weighed against guidance")
  func parts() throws {
    let markup = try PromptMarkup(webUI: "a (cat:1.2) AND a frog :1.5 AND a dog:-0.5", parts: true)
    #expect(markup.prompt == "a (cat:1.2) and a frog")
    #expect(markup.components.map(\.text) == ["a (cat:1.2)", "a frog", "a dog"])
    #expect(markup.scalingWeights(by: 2).components.map(\.weight) == [2, 3, -1])
    #expect(throws: TextError.self) { try PromptMarkup(webUI: "a cat AND a frog", parts: false) }
    #expect(throws: TextError.self) { try PromptMarkup(webUI: "a cat AND ", parts: true) }
    #expect(throws: TextError.self) { try PromptMarkup(webUI: "a:-1 AND b:-1", parts: true) }
    #expect(try PromptMarkup(webUI: "BAND and brAND", parts: false).components.isEmpty)
  }

  @Test("A recording that keeps nothing is refused before the run")
  func nothingRecorded() throws {
    let model = try StableDiffusion(Checkpoint(Self.base))
    func plan(_ recording: RecordingPlan, _ guidance: Double) throws {
      var request = RunRequest("a cat", seed: 0, subjects: [])
      (request.recording, request.guidanceScale, request.steps) = (recording, guidance, 2)
      try model.plan(request).requireRecorded()
    }
    let unconditional = RecordingPlan(branches: [.unconditional])
    try plan(unconditional, 7.5)
    #expect(throws: TraceError.self) { try plan(unconditional, 1) }
    #expect(throws: TraceError.self) { try plan(RecordingPlan(phases: [.loss]), 7.5) }
  }

  @Test("The unconditional branch has the tokens of the negative prompt")
  func branches() throws {
    let model = try StableDiffusion(Checkpoint(Self.base))
    var request = RunRequest("a cat and a frog", seed: 0, subjects: [])
    request.negativePrompt = "a red dog"
    let plan = try model.plan(request)
    let recording = try plan.memoryRecorder(RecordingPlan(branches: [.unconditional])).recording
    #expect(recording.negative?.words.map(\.text) == ["a", "red", "dog"])
  }
}
