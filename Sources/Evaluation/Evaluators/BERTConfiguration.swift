internal import Diffusion
internal import TensorEngine

/// What shapes BLIP's BERT, as transformers' `text_config` says.
struct BERTConfiguration: Sendable, Equatable {
  /// Ids that it has a row for.
  let vocabulary: Int
  /// Numbers of a token.
  let width: Int
  /// Numbers of a token of what it reads besides its text.
  let contextWidth: Int
  /// Numbers of a token within a layer's feed-forward part.
  let hidden: Int
  let layers: Int
  let heads: Int
  /// The most tokens of a text.
  let positions: Int
  let activation: Activation
  let epsilon: Float
  /// The id that begins what the decoder writes, `[DEC]`.
  let startID: Int
  /// The id that ends it, `[SEP]`.
  let endID: Int

  /// - Parameter contextWidth: the width of the picture's tokens, which transformers takes whatever
  ///   `encoder_hidden_size` is.
  /// - Throws: `FileError` for a value of another type, `DiffusionError` for one Heed lacks.
  init(_ json: JSONNode, contextWidth: Int) throws {
    let config = ConfigurationReader(json)
    vocabulary = try config.integer("vocab_size", default: 30_524)
    width = try config.integer("hidden_size", default: 768)
    self.contextWidth = contextWidth
    hidden = try config.integer("intermediate_size", default: 3072)
    layers = try config.integer("num_hidden_layers", default: 12, in: ConfigurationReader.depth)
    heads = try config.integer("num_attention_heads", default: 8)
    positions = try config.integer("max_position_embeddings", default: 512)
    activation = try Activation(config, default: "gelu")
    epsilon = Float(try config.positive("layer_norm_eps", default: 1e-12))
    let ids = 0...(vocabulary - 1)
    startID = try config.integer("bos_token_id", default: 30_522, in: ids)
    endID = try config.integer("sep_token_id", default: 102, in: ids)
    // A default is not compared with the range.
    for (key, id) in [("bos_token_id", startID), ("sep_token_id", endID)] where id >= vocabulary {
      throw json.failure("expected a \(key) below vocab_size \(vocabulary), got none")
    }
    guard width % heads == 0 else {
      throw json.failure("hidden_size \(width) is not a multiple of \(heads) heads")
    }
    guard try config.bool("is_decoder", default: true) else {
      throw DiffusionError.unsupported(
        path: json.file, key: "is_decoder", value: "false",
        supported: "texts that read the picture, where it is true")
    }
  }
}
