internal import Foundation
internal import Pictures
internal import Synchronization
internal import TensorEngine

extension PlannedRun {
  /// The run's scheduler, and the latent it begins with, before that scheduler scales it.
  ///
  /// From a picture: a sample of the autoencoder's posterior, then noise, both drawn from `source`
  /// in this order. An explanation takes the posterior's mean instead of a sample, so that its
  /// latent is the picture's and not the seed's; its noise is what a run of the seed begins with.
  ///
  /// - Reference: diffusers `pipeline_stable_diffusion_img2img.py`, `prepare_latents`.
  /// - Throws: ``DiffusionError`` when the run cannot be made.
  func start(
    drawingFrom source: inout some RandomSource
  ) throws -> (scheduler: any Scheduler, latent: Tensor) {
    let (checkpoint, shape) = (model.checkpoint, latentShape)
    if let explanation = request.method as? PictureExplanation {
      guard let picture else {
        throw DiffusionError.invalidRequest(
          what: "the picture to explain", got: "missing", expected: "a picture")
      }
      let clean = try posterior(picture).mean.affine(
        scale: checkpoint.vaeConfiguration.scalingFactor)
      let scheduler = Renoising(
        checkpoint.schedule.noise, checkpoint.schedule.prediction, times: explanation.times,
        clean: clean,
        noise: source.normal(shape: shape))
      return (scheduler, scheduler.start)
    }
    let scheduler = try model.makeScheduler(request)
    guard let picture else { return (scheduler, source.normal(shape: shape)) }
    let (mean, logVariance) = try posterior(picture)
    let deviation = Tensor(logVariance.values.map { exp($0 / 2) }, shape: logVariance.shape)
    let sample = mean + deviation * source.normal(shape: shape)
    let clean = sample.affine(scale: checkpoint.vaeConfiguration.scalingFactor)
    return (scheduler, scheduler.noised(clean, source.normal(shape: shape), at: 0))
  }

  /// What the autoencoder makes of a picture at the run's size.
  private func posterior(_ picture: InputPicture) throws -> VAE.Posterior {
    let photo = picture.fitted(to: size)
    if let known = model.posteriors.withLock({ $0[photo] }) { return known }
    let posterior = try model.vae.encode(photo.tensor)
    model.posteriors.withLock { $0[photo] = posterior }
    return posterior
  }
}

extension Checkpoint {
  /// The training time at a share of the diffusion: 0 is the picture, 1 is noise.
  package func time(at share: Double) -> Int {
    Int((share * Double(schedule.noise.trainingTimes - 1)).rounded())
  }

  /// Training times to explain a picture at, put in a run's order, from noise to picture.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` for one that is not trained,
  ///   for the same one twice, and for none.
  package func validTimes(_ times: [Int]) throws -> [Int] {
    let last = schedule.noise.trainingTimes - 1
    guard !times.isEmpty, times.allSatisfy((0...last).contains), Set(times).count == times.count
    else {
      throw DiffusionError.invalidRequest(
        what: "the list of timesteps", got: times.map(String.init).joined(separator: ", "),
        expected: "training times in 0…\(last), each once")
    }
    return times.sorted(by: >)
  }
}

extension StartPicture {
  /// The first of the scheduler's iterations that a run of so many steps from the picture makes.
  ///
  /// - Reference: diffusers `pipeline_stable_diffusion_img2img.py`, `get_timesteps`.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when none is left.
  func firstIteration(of steps: Int) throws -> Int {
    guard (0...1).contains(strength) else {
      throw DiffusionError.invalidRequest(
        what: "the strength", got: String(strength), expected: "0 to 1")
    }
    let made = min(Int(Double(steps) * strength), steps)
    guard made > 0 else {
      throw DiffusionError.invalidRequest(
        what: "the strength", got: String(strength),
        expected: "at least one of \(steps) steps to make: \(1 / Double(steps)) or more")
    }
    return steps - made
  }
}
