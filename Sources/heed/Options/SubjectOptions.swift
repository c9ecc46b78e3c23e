public import ArgumentParser
import AttentionTrace
internal import Diffusion
import PromptText

/// Whose attention is measured, and how.
struct SubjectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Subjects, separated by commas: a word, frog#2 for its second occurrence, @5 for a token's \
      index. Without it, the nouns of "a X and a Y" and its kin.
      """, valueName: "words"))
  var tokens: String?

  @Option(help: "Which pieces of a word of several serve its loss: first, last, mean or max.")
  var pieces = PieceRule.standard

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The grid that the loss reads, as in 16x16; without it the checkpoint's, else 1/32.",
      valueName: "rows-x-columns"))
  var attentionResolution: String?

  @Option(
    help: ArgumentHelp(
      "Leave the end token and the padding out of the loss: true or false; as SD 2.x needs.",
      valueName: "bool"))
  var normalizeEot: Bool?

  /// The subjects named, or those the prompt makes certain.
  func subjects(in table: TokenTable) throws -> [Subject] {
    try SubjectSelection.subjects(tokens.map(WordReference.list) ?? [], in: table)
  }

  /// The subjects named; without names those the prompt makes certain, if it does, else `fallback`.
  func subjectsIfKnown(
    in table: TokenTable, orElse fallback: [Subject]
  ) throws -> [Subject] {
    tokens == nil ? SubjectSelection.certain(in: table) ?? fallback : try subjects(in: table)
  }

  /// The subjects named; without names those the prompt makes certain, else what `fallback` finds.
  func subjects(
    in table: TokenTable, orElse fallback: (TokenTable) -> [Subject]
  ) throws -> [Subject] {
    if tokens == nil, SubjectSelection.certain(in: table) == nil {
      let found = fallback(table)
      if !found.isEmpty { return found }
    }
    return try subjects(in: table)
  }

  func apply(to request: inout GenerationRequest) throws {
    request.pieces = pieces
    request.grid = try attentionResolution.map(grid)
    request.stopsAtEnd = normalizeEot
  }

  private func grid(_ text: String) throws -> Grid {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Int($0) }
    guard parts.count == 2, sides.count == 2, sides.allSatisfy({ $0 > 0 }) else {
      throw Failure(
        .usage, "--attention-resolution is \(text); expected rows and columns, as in 16x16")
    }
    return Grid(rows: sides[0], columns: sides[1])
  }
}

extension PieceRule: ExpressibleByArgument {}
