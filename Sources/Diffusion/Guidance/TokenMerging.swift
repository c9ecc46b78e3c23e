internal import TensorEngine

/// What ToMe does in a step: the vectors of merged tokens, and the input at which the noise is predicted, move down
/// two losses.
///
/// Vectors stay as they are left for all later steps. The latent does not move: only what is predicted of it changes.
public struct TokenMerging: Sendable {
  /// A merged token, and what it stands for.
  struct Pair: Sendable {
    /// Its place in the prompt.
    let token: Int
    /// The embedding of its phrase; in SDXL that of no whole text.
    let phrase: PromptEmbedding
  }

  /// The entropy of the tokens' maps.
  let objective: ToMe.Loss
  let pairs: [Pair]
  /// The method, resolved.
  let method: ToMe
  /// The vectors of the merged prompt, `[1, token, width]`, and the first of its tokens that is taken.
  let ending: (first: Int, tokens: Tensor)?

  /// Whether the pairs' own runs go on at iteration `step`.
  func binds(at step: Int) -> Bool { step < method.tokenSteps ?? 0 }

  /// The prompt's vectors as they stand at the start of iteration `step`.
  func substituted(_ tokens: Tensor, at step: Int) -> Tensor {
    guard let ending, step == method.endStep else { return tokens }
    return .concatenated(
      [
        tokens.sliced(axis: 1, 0..<ending.first),
        ending.tokens.sliced(axis: 1, ending.first..<tokens.shape[1]),
      ], axis: 1)
  }

  /// The prompt's vectors with one merged token closer to its phrase.
  ///
  /// - Parameters:
  ///   - target: what the UNet predicts of the phrase.
  ///   - predict: what it predicts of a text of one token, from the same input.
  func bound(
    _ tokens: Tensor, _ pair: Pair, to target: Tensor, counting gradients: GradientCount,
    predict: (Tensor) throws -> Tensor
  ) throws -> Tensor {
    var vector = tokens.sliced(axis: 1, pair.token..<pair.token + 1)
    for _ in 0..<method.tokenUpdates {
      let tape = Tape()
      let variable = tape.variable(vector)
      let difference = try predict(variable) - target
      let loss = (difference * difference).sum.affine(scale: 1 / Float(target.count))
      gradients.count += 1
      vector = .combination(
        1, vector, -Float(method.tokenRate ?? 0), tape.gradient(of: loss, withRespectTo: variable))
    }
    return tokens.replacing(pair.token, ofAxis: 1, by: vector)
  }

  /// What the entropy must fall below at iteration `step`.
  func target(at step: Int) -> Float {
    Self.targets[min(step, Self.targets.count - 1)] * Float(pairs.count) / 2 - 2
  }

  /// Published for two pairs, of whose maps 4 ln 1024 = 27.7 is the most.
  private static let targets: [Float] = [26, 25, 24, 23, 22.5, 22, 21.5, 21, 21, 21]

  /// How far the vectors move at iteration `step`; the input moves half as far.
  func rate(at step: Int, of count: Int) -> Float {
    Float(method.entropyRate) * (count > 1 ? 1 - Float(step) / Float(count - 1) : 1)
  }
}
