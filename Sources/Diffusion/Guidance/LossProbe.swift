public import AttentionTrace
public import TensorEngine

/// One look at a latent through an objective: its loss, and on demand the loss's gradient.
public struct LossProbe {
  /// The loss and each subject's largest attention.
  public let measurement: PassMeasurement
  private let tape: Tape
  private let loss: Tensor
  private let variable: Tensor

  /// Runs the UNet at `latent` on a tape, as far as `tap` needs it.
  ///
  /// - Parameters:
  ///   - scaled: the latent as the UNet takes it, by the scheduler's rule.
  ///   - sites: paths of the sites the objective reads, in its order; the tap collects them.
  init(
    of objective: any AttentionObjective, at latent: Tensor, unet: UNet, timestep: Double,
    context: Tensor, tap: AttentionTap, sites: [String], scaled: (Tensor) -> Tensor = { $0 }
  ) throws {
    try self.init(at: latent) { variable in
      try unet.attend(scaled(variable), timestep: timestep, context: context, tap: tap)
      return objective.evaluate(sites.compactMap { tap.maps[$0] })
    }
  }

  /// Evaluates anything that makes a loss of a latent, on a tape.
  package init(at latent: Tensor, _ evaluate: (Tensor) throws -> ObjectiveValue) rethrows {
    tape = Tape()
    variable = tape.variable(latent.detached)
    let value = try evaluate(variable)
    loss = value.loss
    measurement = PassMeasurement(loss: loss.item, maxima: value.maxima)
  }

  /// The loss's gradient with respect to the latent, of the latent's shape; can be asked once.
  public func gradient() -> Tensor { tape.gradient(of: loss, withRespectTo: variable) }
}
