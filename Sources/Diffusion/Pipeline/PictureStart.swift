private import Foundation
internal import Pictures
internal import Synchronization
public import TensorEngine

extension StableDiffusion {
  /// A run's scheduler, and the latent it begins with, before that scheduler scales it.
  ///
  /// From a picture: a sample of the autoencoder's posterior, then noise, both drawn from `source`
  /// in this order. An explanation takes the posterior's mean instead of a sample, so that its
  /// latent is the picture's and not the seed's; its noise is what a run of the seed begins with.
  ///
  /// - Reference: diffusers `pipeline_stable_diffusion_img2img.py`, `prepare_latents`.
  /// - Parameter shape: the latent's, `[1, 4, row, column]`.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  func start(
    _ request: GenerationRequest, shape: [Int], drawingFrom source: inout some RandomSource
  ) throws -> (scheduler: any Scheduler, latent: Tensor) {
    if let times = request.method.explainedTimes {
      _ = try checkpoint.validTimes(times)
      guard let picture = request.picture else {
        throw DiffusionError.invalidRequest(
          what: "the picture to explain", got: "missing", expected: "a picture")
      }
      let clean = try posterior(picture, request).mean.affine(
        scale: checkpoint.vaeConfiguration.scalingFactor)
      let scheduler = Renoising(
        checkpoint.schedule, times: times, clean: clean, noise: source.normal(shape: shape))
      return (scheduler, scheduler.start)
    }
    let scheduler = try scheduler(request)
    guard let picture = request.picture else { return (scheduler, source.normal(shape: shape)) }
    let (mean, logVariance) = try posterior(picture, request)
    let deviation = Tensor(logVariance.values.map { exp($0 / 2) }, shape: logVariance.shape)
    let sample = mean + deviation * source.normal(shape: shape)
    let clean = sample.affine(scale: checkpoint.vaeConfiguration.scalingFactor)
    return (scheduler, scheduler.noised(clean, source.normal(shape: shape), at: 0))
  }

  /// What the autoencoder makes of a picture at the run's size.
  private func posterior(
    _ picture: InputPicture, _ request: GenerationRequest
  ) throws -> VAE.Posterior {
    let photo = picture.fitted(to: size(request))
    if let known = posteriors.withLock({ $0[photo] }) { return known }
    let posterior = try vae.encode(photo.tensor)
    posteriors.withLock { $0[photo] = posterior }
    return posterior
  }

  /// The bytes of a run's picture: decoded from its latent, or the picture that was explained.
  ///
  /// - Returns: `[row, column, red | green | blue]`.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func pixels(_ request: GenerationRequest, _ latent: Tensor) throws -> [UInt8] {
    if request.method.explainedTimes != nil, let picture = request.picture {
      return picture.fitted(to: size(request)).pixels
    }
    return try pixels(latent)
  }
}

extension Checkpoint {
  /// The training time at a share of the diffusion: 0 is the picture, 1 is noise.
  public func time(at share: Double) -> Int {
    Int((share * Double(schedule.trainingTimes - 1)).rounded())
  }

  /// Training times to explain a picture at, put in a run's order, from noise to picture.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` for one that is not trained,
  ///   for the same one twice, and for none.
  public func validTimes(_ times: [Int]) throws -> [Int] {
    let last = schedule.trainingTimes - 1
    guard !times.isEmpty, times.allSatisfy((0...last).contains), Set(times).count == times.count
    else {
      throw DiffusionError.invalidRequest(
        what: "the list of timesteps", got: times.map(String.init).joined(separator: ", "),
        expected: "training times in 0…\(last), each once")
    }
    return times.sorted(by: >)
  }
}

extension GenerationRequest {
  /// The first of the scheduler's iterations that a run from a picture makes.
  ///
  /// - Reference: diffusers `pipeline_stable_diffusion_img2img.py`, `get_timesteps`.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when none is left.
  func firstIteration() throws -> Int {
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
