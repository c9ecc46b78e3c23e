import ArgumentParser
import AttentionAnalysis
import AttentionExport
import AttentionTrace
import PromptText

/// The selected part of a recording.
struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Layers, separated by commas: globs over their paths ('up*', '*attn2') or a grid (16x16). \
      (default: all)
      """, valueName: "patterns"))
  var layers: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Heads by index, as in 0,3..5. (default: all)", valueName: "indices"))
  var heads: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Iterations, as in 0..24. (default: all)", valueName: "a..b"))
  var steps: String?

  @Option(
    help: ArgumentHelp(
      "Tokens: words, frog#2, @5, <start>, <end>, <padding>, separated by commas. (default: all)",
      valueName: "words"))
  var tokens: String?

  @Option(help: "conditional, unconditional, separated by a comma. (default: both)")
  var branches: String?

  @Option(help: "denoise, loss, refinement, separated by commas. (default: all)")
  var phases: String?

  /// The selection without its tokens, which need a prompt.
  var withoutTokens: RecordingSelection {
    get throws {
      RecordingSelection(
        layers: layers.map { text in
          text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        },
        heads: try heads.map { try IndexList(option: "--heads", $0).indices },
        steps: try steps.map { try IndexRange(option: "--steps", $0).range },
        branches: try branches.map { Set(try ChoiceList(option: "--branches", $0).choices) },
        phases: try phases.map { Set(try ChoiceList(option: "--phases", $0).choices) })
    }
  }

  /// The tokens named, ascending; `nil` without names.
  ///
  /// A word is one of the text of a branch that is taken; where both branches are, of either text.
  func tokens(in run: RecordedRun, by recipe: Recipe?) throws -> [Int]? {
    guard let references = try tokens.map(WordReference.list) else { return nil }
    if let recipe {
      return Set(try run.subjects(references, by: recipe).flatMap(\.tokens)).sorted()
    }
    let recorded = run.manifest.plan?.branches ?? []
    let taken = try withoutTokens.branches ?? recorded
    return try WordReference.tokens(
      of: references,
      inAnyOf: Branch.allCases.reversed().filter(taken.contains).compactMap { branch in
        run.manifest.tokens(of: branch).map { (branch.textName, $0) }
      })
  }
}
