/// No picture is made: one is shown to the model, as noisy as a run's latent is at chosen times.
public struct PictureExplanation: GenerationMethod {
  /// As the run's folder is named.
  public let name = "explain"
  /// None: the times are the run's timesteps.
  public let settings: [String: String] = [:]
  /// Training times, 0…999 in Stable Diffusion.
  public let times: [Int]

  /// Shows a request's picture at `times`.
  public init(times: [Int]) { self.times = times }
}
