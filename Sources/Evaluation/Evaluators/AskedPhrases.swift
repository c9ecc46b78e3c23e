internal import PromptText

/// The phrases of a prompt that are asked for one by one, and who says which they are.
package struct AskedPhrases: Hashable, Sendable {
  /// Who says which they are.
  package enum Source: String, Hashable, Sendable, Codable {
    /// The suite.
    case suite
    /// Heed, which finds the noun phrases of plain English from word lists.
    case heed
  }

  /// As they stand in the prompt, articles included; may be none.
  package let phrases: [String]
  /// Who says so.
  package let source: Source

  /// The phrases of a suite's prompt: the suite's own where it names any, or else those that Heed finds.
  /// - Throws: `TextError` or `FileError` when the package's resources are damaged.
  package init(of prompt: SuitePrompt) throws {
    if let named = prompt.phrases {
      (phrases, source) = (named, .suite)
      return
    }
    let table = try CLIPTokenizer.bundled().encode(
      prompt.prompt, as: PromptReading(isLong: true))
    (phrases, source) = (NounPhraseFinder.phrases(in: table).map(\.text), .heed)
  }
}
