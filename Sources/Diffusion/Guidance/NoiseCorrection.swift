/// A correction of each step's prediction down the gradient of a loss, after guidance.
///
/// A model of flow predicts a velocity at y = (1 − τ) ε + τ x₀, and FOCUS corrects it by
/// v′ = v − λ 2 (1 − τ)² / τ ∂L/∂y. A latent x = a x₀ + s ε is on that line at τ = a / (a + s) when it is divided by
/// a + s; to hold it there while v changes gives
///
/// ε′ = ε + 2 λ s² / (a + s) ∂L/∂x,
///
/// which has no pole at pure noise. It was derived here, and is no experiment of the authors. A prediction of the
/// velocity or of the picture changes by what that does to it, and there has one: τ counts as 0.001 at least, by which
/// the authors' code bounds theirs.
public struct NoiseCorrection: Sendable {
  /// The loss that it follows.
  let objective: any AttentionObjective
  /// λ.
  private let strength: Float
  private let prediction: Prediction

  /// A correction along `objective` of what `prediction` says the model predicts.
  package init(
    _ objective: any AttentionObjective, strength: Float, prediction: Prediction
  ) {
    self.objective = objective
    self.strength = strength
    self.prediction = prediction
  }

  /// What a prediction changes by for each unit of ∂L/∂x.
  ///
  /// - Parameters:
  ///   - signal: a, what the latent has of the picture.
  ///   - noise: s, what it has of noise.
  package func factor(signal: Float, noise: Float) -> Float {
    let ofNoise = 2 * strength * noise * noise / (signal + noise)
    let divisor = max(signal, Self.leastTime * (signal + noise))
    switch prediction {
    case .epsilon: return ofNoise
    case .velocity:
      return ofNoise * (signal * signal + noise * noise).squareRoot() / divisor
    case .sample: return -ofNoise * noise / divisor
    }
  }

  /// The least τ that is divided by.
  private static let leastTime: Float = 1e-3
}
