/// What ``EngineBenchmark`` runs by itself.
package enum EnginePass: String, Sendable, CaseIterable, Encodable {
  /// The text encoder on one prompt.
  case text
  /// The UNet on one latent.
  case unet
  /// The UNet on two latents, as classifier-free guidance takes it.
  case unetPair = "unet-pair"
  /// Attend-and-Excite's loss on a tape, as far as the UNet is needed for it.
  case lossForward = "loss-forward"
  /// The loss's gradient with respect to the latent.
  case lossBackward = "loss-backward"
  /// One altered step of Attend-and-Excite: loss, gradient, guided prediction.
  case step
  /// The autoencoder's decoder on one latent.
  case decode
}

extension EnginePass {
  /// What tables call it.
  package var title: String {
    switch self {
    case .text: "text encoder"
    case .unet: "UNet pass"
    case .unetPair: "UNet pass, batch 2"
    case .lossForward: "A&E loss, forward"
    case .lossBackward: "A&E loss, backward"
    case .step: "A&E step, altered"
    case .decode: "VAE decoder"
    }
  }
}
