public import ArgumentParser
import AttentionTrace
internal import Diffusion
import PromptText

/// The subjects whose attention is measured, and how.
struct SubjectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Subjects, separated by commas: a word, frog#2 for its second occurrence, a token's index. \
      (default: the nouns of "a X and a Y" and similar prompts)
      """, valueName: "words"))
  var tokens: String?

  @Option(
    help: ArgumentHelp(
      "Which pieces of a word with several pieces the loss reads: first, last, mean or max.",
      visibility: HelpDetail.rare))
  var pieces = PieceRule.standard

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The grid that the loss reads, as in 16x16. (default: the checkpoint's, or 1/32 of the picture)",
      valueName: "rows-x-columns", visibility: HelpDetail.rare))
  var attentionResolution: String?

  @Option(
    help: ArgumentHelp(
      "Whether the loss excludes the end token and padding. (default: the checkpoint's; true for SD 2.x)",
      valueName: "bool", visibility: HelpDetail.rare))
  var normalizeEot: Bool?

  /// The names; `nil` where none are given.
  var names: [String]? {
    get throws { try tokens.map { try WordReference.list($0).map(\.description) } }
  }

  func apply(to request: inout RunRequest) throws {
    request.subjects = try names
    request.pieces = pieces
    request.grid = try attentionResolution.map(grid)
    request.stopsAtEnd = normalizeEot
  }

  private func grid(_ text: String) throws -> Grid {
    guard let grid = Grid(text) else {
      throw Failure(
        .usage, "--attention-resolution is \(text); expected rows and columns, as in 16x16")
    }
    return grid
  }
}

extension PieceRule: ExpressibleByArgument {}
