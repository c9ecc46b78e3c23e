@testable import PromptText

/// Tokenizers of checkpoints, and a text cut by each.
enum TokenizerInput {
  private static let vocabularies = ScratchFolder("vocabulary")
  private static let tokenizers = ScratchFolder("tokenizer")
  private static let text = "A cat, a \u{E9}l\u{E8}ve and 2 frogs\u{1F438}<|endoftext|>"

  /// The files of a folder, with NUL bytes between them.
  static func vocabulary(_ input: [UInt8]) throws {
    vocabularies.write(
      parts: input,
      as: ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"])
    _ = try CLIPTokenizer(folder: vocabularies.path).encode(text)
  }

  static func tokenizer(_ input: [UInt8]) throws {
    tokenizers.write(parts: input, as: ["tokenizer.json", "tokenizer_config.json"])
    _ = try CLIPTokenizer(folder: tokenizers.path).encode(text)
  }

  static func wordpiece(_ input: [UInt8]) throws {
    let isJSON = input.first == UInt8(ascii: "{")
    vocabularies.write(
      parts: input,
      as: [isJSON ? "tokenizer.json" : "vocab.txt", "tokenizer_config.json"])
    defer { vocabularies.remove(["tokenizer.json", "vocab.txt"]) }
    let tokenizer = try WordPieceTokenizer(folder: vocabularies.path)
    _ = tokenizer.text(of: tokenizer.ids(of: text))
  }
}
