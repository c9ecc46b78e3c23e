import AttentionTrace
import Diffusion
import TensorEngine
import TestSupport
import Testing

/// Turbo and Lightning: goldens of `make_xl_models.py`.
@Suite("Stable Diffusion XL in a few steps")
struct XLFewStepTests {
  private static let folder = TemporaryCheckpoint.fixtures + "/xl"

  /// What a run without guidance gives.
  private func latent(_ checkpoint: Checkpoint, steps: Int) throws -> Tensor {
    var request = RunRequest("a cat and a frog", seed: 7, subjects: [])
    (request.steps, request.guidanceScale, request.recording) = (steps, 0, nil)
    let plan = try StableDiffusion(checkpoint).plan(request)
    #expect(plan.passes.allSatisfy { $0.branches == [.conditional] })
    var sequence = try plan.sequence()
    while try sequence.next() != nil {}
    return sequence.latent
  }

  private func expectGolden(_ name: String, _ latent: Tensor) throws {
    let golden = try SafetensorsFile(path: Self.folder + "/few-steps.safetensors").tensor(name)
    expectClose(latent, golden, relative: 2e-4, name)
  }

  @Test("Turbo's scheduler, as its folder ships it, draws diffusers' noise", arguments: 1...4)
  func turbo(_ steps: Int) throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    let name = "EulerAncestralDiscreteScheduler"
    try copy.set("scheduler", "[\"diffusers\", \"\(name)\"]", in: "model_index.json")
    try copy.set("_class_name", "\"\(name)\"", in: "scheduler/scheduler_config.json")
    try copy.set("timestep_spacing", "\"trailing\"", in: "scheduler/scheduler_config.json")
    try expectGolden("turbo-\(steps)", latent(Checkpoint(copy.path), steps: steps))
  }

  @Test(
    "Lightning's UNet beside a checkpoint, with trailing timesteps, gives diffusers' latent",
    arguments: [1, 2, 4, 8])
  func lightning(_ steps: Int) throws {
    let copy = try TemporaryCheckpoint(of: "tiny-xl")
    try copy.rewrite(TemporaryCheckpoint.unet) { tensors in
      for index in tensors.indices {
        guard let tensor = tensors[index].payload.tensor, tensor.rank == 1 else { continue }
        tensors[index].payload = .float32(tensor.affine(scale: 0.5))
      }
    }
    var options = CheckpointOptions()
    options.unet = copy.path + "/" + TemporaryCheckpoint.unet
    let base = try TemporaryCheckpoint(of: "tiny-xl")
    try base.set("timestep_spacing", "\"trailing\"", in: "scheduler/scheduler_config.json")
    try expectGolden("lightning-\(steps)", latent(Checkpoint(base.path, options), steps: steps))
  }
}
