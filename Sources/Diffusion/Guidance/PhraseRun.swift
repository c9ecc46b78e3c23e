internal import AttentionTrace
internal import TensorEngine

/// The run of a phrase alone, in step with the run of the prompt that has the phrase, and from the same noise.
struct PhraseRun: Sendable {
  private let phrase: PromptEmbedding
  private let unconditional: PromptEmbedding
  /// The weight of guidance; `nil` for the phrase's prediction alone.
  private let weight: Float?
  /// Whether the latent that is kept is scaled again in every step, as in the published code.
  private let keepsScaled: Bool
  private var scheduler: any Scheduler
  private var latent: Tensor

  /// - Parameter latent: as the scheduler starts from it.
  init(
    of phrase: PromptEmbedding, against unconditional: PromptEmbedding, weight: Float?,
    keepsScaled: Bool, from latent: Tensor, scheduler: any Scheduler
  ) {
    self.phrase = phrase
    self.unconditional = unconditional
    self.weight = weight
    self.keepsScaled = keepsScaled
    self.latent = latent
    self.scheduler = scheduler
  }

  /// How many predictions a step takes.
  var predictions: Int { weight == nil ? 1 : 2 }

  /// What the rest of it depends on.
  var state: [String: Tensor] {
    scheduler.state.merging(["latent": latent]) { $1 }
  }

  /// Goes on from a state; `false`, and as it was, if it is not of such a run.
  mutating func resume(from state: [String: Tensor]) -> Bool {
    guard let latent = state["latent"], latent.shape == self.latent.shape, latent.isFinite,
      scheduler.accepts(state, latent: latent)
    else { return false }
    scheduler.state = state.filter { $0.key.hasPrefix("scheduler.") }
    self.latent = latent
    return true
  }

  /// Takes a step.
  ///
  /// - Parameters:
  ///   - noise: fresh noise, if the scheduler draws some.
  ///   - predict: the UNet, at an input of one or two rows and a text for each.
  /// - Returns: the UNet's input, and what it predicts of the phrase.
  mutating func next(
    at step: Int, noise: Tensor?, predict: (Tensor, PromptEmbedding) throws -> Tensor
  ) rethrows -> (input: Tensor, prediction: Tensor) {
    let input = scheduler.scaledInput(latent, at: step)
    if keepsScaled { latent = input }
    guard let weight else {
      let own = try predict(input, phrase)
      latent = scheduler.step(own, at: step, latent, noise: noise)
      return (input, own)
    }
    let both = try predict(
      .concatenated([input, input], axis: 0), .stacked([unconditional, phrase]))
    let plain = both.sliced(axis: 0, 0..<1)
    let own = both.sliced(axis: 0, 1..<2)
    latent = scheduler.step(
      .combination(1, plain, weight, .combination(1, own, -1, plain)), at: step, latent,
      noise: noise)
    return (input, own)
  }
}
