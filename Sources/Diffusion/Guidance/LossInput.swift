/// The latent that a pass for a loss takes, under a scheduler that scales the UNet's input.
///
/// They differ under Euler, LMS and other schedulers whose noise levels are not those the UNet was
/// trained with; under DDIM, PNDM and DPM-Solver++ they are the same.
public enum LossInput: String, Hashable, Sendable, CaseIterable {
  /// Scaled, as for the noise: the UNet sees what it was trained on.
  case scaled
  /// As it is: the published code of Attend-and-Excite and its successors, and diffusers' pipeline.
  case unscaled
}
