internal import Diffusion
internal import TensorEngine

/// BERT that writes: causal self-attention, and a score of every id as the next one.
///
/// - Reference: transformers `models/blip/modeling_blip_text.py`, `BlipTextLMHeadModel`.
struct BERTDecoder: Sendable {
  let model: BERTModel
  private let transform: Linear
  private let norm: LayerNorm
  /// Shape `[id, width]`: the embeddings of the ids, unless a checkpoint has others.
  private let words: Weight
  /// Shape `[id]`.
  private let offset: Tensor
  private let activation: Activation

  var configuration: BERTConfiguration { model.configuration }

  /// Reads the weights below `scope`, as in `text_decoder`.
  /// - Throws: as ``BERTModel/init(_:_:)``.
  init(_ scope: ParameterScope, _ configuration: BERTConfiguration) throws {
    model = try BERTModel(scope["bert"], configuration)
    let head = scope["cls"]["predictions"]
    let (vocabulary, width) = (configuration.vocabulary, configuration.width)
    transform = try Linear(head["transform"]["dense"], width, width)
    norm = try LayerNorm(
      head["transform"]["LayerNorm"], width, epsilon: configuration.epsilon)
    // Older checkpoints keep what is tied a second time.
    let own = head["decoder"]
    words = try (own.has("weight") ? own : scope["bert"]["embeddings"]["word_embeddings"])
      .weight([vocabulary, width])
    offset = try (own.has("bias") ? own : head).tensor("bias", [vocabulary])
    activation = configuration.activation
  }

  /// How much each id fits as the next one, before the softmax.
  /// - Parameter states: `[…, width]`.
  /// - Returns: `[…, id]`.
  func logits(_ states: Tensor) -> Tensor {
    norm(transform(states).activated(activation)).linear(words, offset)
  }
}
