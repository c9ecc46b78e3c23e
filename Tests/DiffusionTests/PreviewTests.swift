import AttentionTrace
import Diffusion
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Tiny autoencoders, and the clean latents that steps predict; made by `make_tiny_autoencoders.py`.
@Suite("Previews")
struct PreviewTests {
  private static let folder = TemporaryCheckpoint.fixtures + "/tiny-previews"

  private static func decoder(_ name: String) throws -> TinyAutoencoder {
    try #require(try StepPreviews(folder + "/" + name).decoder)
  }

  @Test(
    "A latent decodes to the picture of diffusers",
    arguments: [
      ("eightfold", "eightfold"), ("fourfold", "fourfold"),
      ("eightfold/diffusion_pytorch_model.safetensors", "eightfold"),
      ("fourfold/diffusion_pytorch_model.safetensors", "fourfold"),
      ("taesd_decoder.safetensors", "eightfold"),
    ])
  func decoded(_ name: String, _ golden: String) throws {
    let file = try SafetensorsFile(path: Self.folder + "/golden.safetensors")
    let picture = try Self.decoder(name).decode(file.tensor("latent"))
    expectClose(picture, try file.tensor(golden), relative: 2e-4)
  }

  @Test("A latent far out of range is clamped, not infinite")
  func clamped() throws {
    let decoder = try Self.decoder("eightfold")
    let far = try decoder.decode(.full(1e30, shape: [1, 4, 2, 2]))
    #expect(far.isFinite)
    #expect(far.values == (try decoder.decode(.full(1e10, shape: [1, 4, 2, 2]))).values)
  }

  /// What diffusers' schedulers predict.
  struct Golden: Decodable, Sendable, CustomTestStringConvertible {
    struct Configuration: Codable, Sendable {
      let _class_name: String
      let prediction_type: String
      let beta_start, beta_end: Double
      let beta_schedule: String
      let steps_offset: Int
      let clip_sample, set_alpha_to_one, skip_prk_steps: Bool?
      let original_inference_steps: Int?
    }

    let config: Configuration
    let steps: Int
    let samples, clean: [[Float]]

    var testDescription: String { "\(config._class_name), \(config.prediction_type)" }
  }

  static let goldens: [Golden] = {
    let data = FileManager.default.contents(atPath: folder + "/clean.json") ?? Data()
    return (try? JSONDecoder().decode([Golden].self, from: data)) ?? []
  }()

  @Test("The goldens are there")
  func goldensAreThere() { #expect(Self.goldens.count == 18) }

  @Test("The clean sample that an output stands for is that of diffusers", arguments: goldens)
  func clean(_ golden: Golden) throws {
    let config = String(decoding: try JSONEncoder().encode(golden.config), as: UTF8.self)
    let kind = try #require(SchedulerKind(className: golden.config._class_name))
    let scheduler = try SchedulerTests.configuration(config, kind).scheduler(steps: golden.steps)
    #expect(golden.clean.count == scheduler.timesteps.count)
    for index in scheduler.timesteps.indices {
      let sample = Tensor(golden.samples[index], shape: [1, 20, 1, 1])
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(
        input.values.map { sin(3 * $0) * 0.5 + 0.1 * Float(index) }, shape: input.shape)
      let clean = scheduler.clean(output, at: index, sample)
      expectClose(
        clean.values, golden.clean[index].map(Double.init), relative: 2e-4, "iteration \(index)")
    }
  }

  @Test("The last step of Euler's method ends at what it predicts")
  func last() throws {
    let model = try LoadedCheckpoint("tiny-sd1")
    var sequence = try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(.euler, steps: 3), latent: model.noise(4),
      embeddings: (model.embedding("a cat"), model.embedding("")), guidanceScale: 7.5)
    var steps: [DenoisingStep] = []
    while let step = try sequence.next() { steps.append(step) }
    #expect(steps.map(\.index) == [0, 1, 2])
    expectClose(steps[2].predicted, steps[2].latent, relative: 1e-5)
    #expect(steps[0].predicted.values != steps[1].predicted.values)
  }

  @Test(
    "A decoder of other latents, of another size or of no kind that is one is refused in a line")
  func refused() throws {
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    func refusal(_ path: String) -> String {
      do {
        var request = RunRequest("a cat", seed: 0)
        request.steps = 2
        request.previews = try StepPreviews(path)
        _ = try model.plan(request)
        return ""
      } catch { return "\(error)" }
    }
    #expect(refusal(Self.folder + "/eightfold").isEmpty)
    let small = refusal(Self.folder + "/fourfold")
    #expect(
      small.contains("fourfold/config.json: the enlargement of a side is 4; Heed runs tiny-sd1"))
    let own = TemporaryCheckpoint.fixtures + "/tiny-sd1/vae"
    #expect(
      refusal(own).contains(
        "vae/config.json: _class_name is \"AutoencoderKL\", expected AutoencoderTiny; give the folder"
      ))
    #expect(
      refusal(TemporaryCheckpoint.fixtures + "/tiny-sd1/" + TemporaryCheckpoint.unet).contains(
        "no decoder of a tiny autoencoder"))
    #expect(refusal("no/such").hasPrefix("no/such: not found; there is no such tiny autoencoder"))
    #expect(refusal(Self.folder).contains("tiny-previews/config.json: not found; give the folder"))
    // Sixteen channels, as TAEF1 has.
    let copy = try TemporaryCheckpoint(of: "tiny-previews")
    try copy.set("latent_channels", "16", in: "eightfold/config.json")
    let wide = refusal(copy.path + "/eightfold/diffusion_pytorch_model.safetensors")
    #expect(wide.contains("0.weight [8, 4, 3, 3] instead of [8, 16, 3, 3]"), "\(wide)")
    try copy.rewrite("taesd_decoder.safetensors") { tensors in
      for index in tensors.indices where tensors[index].name == "1.weight" {
        tensors[index].payload = .float32(.full(0, shape: [8, 16, 3, 3]))
      }
    }
    let other = refusal(copy.path + "/taesd_decoder.safetensors")
    #expect(
      other.contains(
        "taesd_decoder.safetensors: extent 1 of 1.weight is 16; Heed runs tiny-sd1 with a preview of 4"
      ),
      "\(other)")
    for message in [small, wide, other] { #expect(!message.contains("\n")) }
  }

  @Test("A plan says which steps keep their pictures, and run.json by which decoder")
  func planned() throws {
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    var request = RunRequest("a cat", seed: 0)
    (request.steps, request.previews) = (9, StepPreviews())
    let own = try model.plan(request).request.record.previews
    // PNDM has an iteration more than steps.
    #expect(own == PreviewRecord(files: nil, steps: [0, 3, 6, 9]))
    request.previews = try StepPreviews(Self.folder + "/eightfold")
    let tiny = try #require(try model.plan(request).request.record.previews)
    #expect(tiny.steps == nil)
    #expect(tiny.files?.keys.sorted() == ["config.json", "diffusion_pytorch_model.safetensors"])
    #expect(try RunRequest(request.record).record == request.record)
    request.previews = StepPreviews(steps: [3, 10])
    #expect(throws: DiffusionError.self) { try model.plan(request) }
    request.previews = StepPreviews(steps: [])
    #expect(throws: DiffusionError.self) { try model.plan(request) }
  }
}
