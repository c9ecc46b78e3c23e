/// Stable Diffusion as it is: nothing is added.
///
/// - Reference: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models,
///   CVPR 2022.
public struct PlainDiffusion: GenerationMethod {
  /// As on the command line.
  public let name = "stable-diffusion"
  /// None.
  public let settings: [String: String] = [:]

  /// The method has no knobs.
  public init() {}
}
