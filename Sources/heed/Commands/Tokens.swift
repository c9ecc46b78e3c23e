import ArgumentParser
import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine

/// A prompt as the model reads it.
struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a prompt's tokens: ids, pieces, and the words they make.",
    usage: "heed tokens [<prompt>] [--from <file>] [--json] [<options>]")

  @Argument(help: "The text prompt; omit it with --from.")
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Read prompts from a file, one per line; - is standard input.",
      valueName: "file"))
  var from: String?

  @Option(help: ArgumentHelp("A tokenizer's folder instead of the model's.", valueName: "folder"))
  var vocabulary: String?

  @Flag(help: "Print one line of JSON per prompt: text, ids, tokens, words.")
  var json = false

  @OptionGroup var model: ModelPath
  @OptionGroup var embeddings: EmbeddingOptions
  @OptionGroup var texts: ReadingOptions

  func validate() throws {
    if (prompt == nil) == (from == nil) {
      throw ValidationError("Give either a prompt or --from FILE.")
    }
    if vocabulary != nil, !embeddings.embedding.isEmpty {
      throw ValidationError("Give either --vocabulary or --embedding.")
    }
  }

  func run() throws {
    let tokenizer =
      try vocabulary.map { try CLIPTokenizer(folder: $0) }
      ?? Checkpoint.tokenizer(of: model.path, embeddings: embeddings.embeddings)
    if let prompt { return show(tokenizer.encode(prompt, as: texts.reading)) }
    let lines = try LineReader(from ?? "-")
    var isFirst = true
    while let line = try lines.next() {
      if let excess = FileLimit.excess(ofPrompt: line) {
        throw FileError(.malformed, path: from ?? "-", reason: excess)
      }
      if !json && !isFirst { print() }
      isFirst = false
      show(tokenizer.encode(line, as: texts.reading))
    }
  }

  private func show(_ table: TokenTable) {
    Message.leftOut(table)
    print(json ? table.jsonLine() : table.text())
  }
}
