/// What the UNet's output means.
package enum Prediction: String, Sendable, CaseIterable {
  /// The noise that was added.
  case epsilon
  /// The velocity of Salimans & Ho, Progressive Distillation, ICLR 2022: `√ᾱ ε − √(1−ᾱ) x₀`.
  case velocity = "v_prediction"
  /// The clean sample.
  case sample
}
