/// Stable Diffusion without any change.
///
/// - Reference: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models,
///   CVPR 2022.
public struct PlainDiffusion: Method {
  public let name = "stable-diffusion"
  public let title = "Stable Diffusion"
  public let summary =
    "Stable Diffusion (Rombach et al., CVPR 2022): the prompt alone, without a change of attention."

  /// The method has no knobs.
  public init() {}
}
