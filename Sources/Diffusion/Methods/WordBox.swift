private import Foundation
internal import PromptText

/// A word and its box.
public struct WordBox: Hashable, Sendable {
  /// The word, as the user names it.
  public let word: String
  /// Left, top, right and bottom edge in fractions of the picture, 0…1 from its left and top.
  public let edges: [Double]

  /// A box for a word.
  public init(_ word: String, left: Double, top: Double, right: Double, bottom: Double) {
    self.word = word
    edges = [left, top, right, bottom]
  }

  /// The box in a prompt.
  /// - Throws: `TextError` for a word that is not in the prompt, ``DiffusionError`` for an invalid box.
  func box(in prompt: TokenTable) throws -> LayoutBox {
    let subject = try SubjectSelection.subjects(named: [word], in: prompt)[0]
    return try LayoutBox(
      subject, left: edges[0], top: edges[1], right: edges[2], bottom: edges[3])
  }
}
