public import AttentionTrace
public import TensorEngine

/// One look at a latent through an objective: its loss, and on demand the loss's gradient.
public struct LossProbe {
  /// The loss and each subject's excitation score.
  public let measurement: PassMeasurement
  /// What the objective made of the pass.
  public let value: ObjectiveValue
  private let tape: Tape
  private let variable: Tensor
  private let gradients: GradientCount?

  /// Runs the UNet on a tape, as far as `tap` needs it.
  ///
  /// - Parameters:
  ///   - latent: what the gradient is of; it may hold more than a latent.
  ///   - reading: the input and the text that the UNet takes, by it.
  ///   - sites: the sites the objective reads, in its order; the tap collects them.
  ///   - memory: what the objective remembers of the step before.
  ///   - gradients: counts the gradient, if it is asked for.
  init(
    of objective: any AttentionObjective, at latent: Tensor, unet: UNet, timestep: Double,
    tap: AttentionTap, sites: [AttentionSite], memory: [String: Tensor] = [:],
    counting gradients: GradientCount? = nil,
    reading: (Tensor) -> (input: Tensor, text: PromptEmbedding)
  ) throws {
    try self.init(at: latent, counting: gradients) { variable in
      let (input, text) = reading(variable)
      try unet.attend(input, timestep: timestep, text: text, tap: tap)
      return objective.evaluate(tap.maps(of: sites, branch: 0, memory: memory))
    }
  }

  /// Evaluates anything that makes a loss of a latent, on a tape.
  package init(
    at latent: Tensor, counting gradients: GradientCount? = nil,
    _ evaluate: (Tensor) throws -> ObjectiveValue
  ) rethrows {
    self.gradients = gradients
    tape = Tape()
    variable = tape.variable(latent.detached)
    value = try evaluate(variable)
    measurement = PassMeasurement(loss: value.loss.item, scores: value.scores)
  }

  /// The loss's gradient with respect to the latent, of the latent's shape; one gradient can be
  /// asked, once.
  public func gradient() -> Tensor { gradient(of: \.loss) }

  /// The gradient of one of the objective's losses.
  func gradient(of loss: KeyPath<ObjectiveValue, Tensor>) -> Tensor {
    // A loss that depends on no map, as where all is as it should be, has no place on the tape.
    guard value[keyPath: loss].isOnTape else { return .full(0, shape: variable.shape) }
    gradients?.count += 1
    return tape.gradient(of: value[keyPath: loss], withRespectTo: variable)
  }
}
