public import ArgumentParser
import Diffusion
public import PromptText

/// How prompts become tokens.
struct ReadingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How prompts are read: plain, or webui for the weights (cat:1.3), (cat) and [cat], BREAK and AND, as \
      in AUTOMATIC1111's web UI.
      """, visibility: HelpDetail.rare))
  var syntax = PromptSyntax.plain

  @Flag(
    help: ArgumentHelp(
      "Read prompts longer than the text encoder's window in several windows, as web UIs do.",
      visibility: HelpDetail.rare))
  var longPrompts = false

  var reading: PromptReading { PromptReading(syntax: syntax, isLong: longPrompts) }
}

/// How prompts become embeddings.
struct PromptOptions: ParsableArguments {
  @OptionGroup var texts: ReadingOptions

  @Option(
    help: ArgumentHelp(
      """
      How many of the text encoder's last layers are skipped for the prompt, as diffusers' clip_skip (1 is \
      what web UIs call 2). (default: 0)
      """, valueName: "layers", visibility: HelpDetail.rare))
  var clipSkip: Int?

  func apply(to request: inout RunRequest) {
    request.reading = texts.reading
    request.clipSkip = clipSkip
  }
}

/// Words that a text encoder learns from files.
struct EmbeddingOptions: ParsableArguments {
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      A textual inversion to add to the text encoder, with the word that stands for it (default: the \
      file's); repeatable.
      """, valueName: "file:word"))
  var embedding: [String] = []

  var embeddings: [TextualInversion] { embedding.map(TextualInversion.init(argument:)) }
}

extension PromptSyntax: ExpressibleByArgument {}

extension TextualInversion {
  /// Reads `FILE` or `FILE:WORD`; the file's path may hold colons.
  init(argument: String) {
    let ending = ".safetensors:"
    guard let mark = argument.ranges(of: ending).last else {
      self.init(path: argument)
      return
    }
    let colon = argument.index(before: mark.upperBound)
    self.init(path: String(argument[..<colon]), word: String(argument[mark.upperBound...]))
  }
}
