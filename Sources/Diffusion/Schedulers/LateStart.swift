internal import TensorEngine

/// A scheduler whose first iterations are left out: the rest of a run that begins from a picture.
///
/// Multistep methods begin without a past, wherever they begin. PNDM counts its own iterations, so
/// that the second one starts again from the first's sample although the times do not repeat there;
/// this is what diffusers computes.
///
/// - Reference: Meng et al., SDEdit, ICLR 2022, algorithm 1; diffusers
///   `pipeline_stable_diffusion_img2img.py`, `get_timesteps`.
struct LateStart: Scheduler {
  private var whole: any Scheduler
  private let begin: Int

  /// Leaves out `begin` iterations.
  init(_ whole: any Scheduler, begin: Int) {
    guard (0..<whole.timesteps.count).contains(begin) else { bug("iteration \(begin)") }
    self.whole = whole
    self.begin = begin
  }

  var timesteps: [Double] { Array(whole.timesteps[begin...]) }
  var evaluationsPerStep: Int { whole.evaluationsPerStep }
  func drawsNoise(at index: Int) -> Bool { whole.drawsNoise(at: begin + index) }
  /// A noised picture is already as large as the first level wants it.
  var initialNoiseScale: Float { 1 }

  var state: [String: Tensor] {
    get { whole.state }
    set { whole.state = newValue }
  }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor {
    whole.scaledInput(sample, at: begin + index)
  }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    whole.noised(clean, noise, at: begin + index)
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    whole.clean(output, at: begin + index, sample)
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    whole.step(output, at: begin + index, sample, noise: noise)
  }
}
