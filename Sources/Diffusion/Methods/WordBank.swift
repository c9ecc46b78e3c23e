private import Foundation
internal import TensorEngine

/// A list of words in a file, one a line.
struct WordBank: Sendable {
  let words: [String]

  /// Heed's own: common nouns of things that pictures show.
  static var own: String { ResourceFolder.diffusion.path + "/Words/nouns.txt" }

  /// What a list can have.
  private static let most = 10_000
  private static let longest = 64
  /// What may stand around a word: blanks, and the mark that some editors begin a file with.
  private static let around = CharacterSet.whitespaces.union(["\u{FEFF}"])

  /// Reads a list; empty lines are none, and a word that comes twice is one.
  /// - Throws: `FileError` for a file that is no such list.
  init(path: String) throws {
    let file = try MappedFile(path: path)
    guard file.count <= Self.most * (Self.longest + 1) else {
      throw FileError(
        .malformed, path: path,
        reason: "expected at most \(Self.most) words of at most \(Self.longest) bytes")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw FileError(.malformed, path: path, reason: "expected words in UTF-8, one a line")
    }
    var words: [String] = []
    var known: Set<String> = []
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let word = line.trimmingCharacters(in: Self.around)
      guard word.utf8.count <= Self.longest, words.count < Self.most else {
        throw FileError(
          .malformed, path: path, subject: "line \(number + 1)",
          reason: "expected at most \(Self.most) words of at most \(Self.longest) bytes")
      }
      if !word.isEmpty, known.insert(word).inserted { words.append(word) }
    }
    guard !words.isEmpty else {
      throw FileError(.malformed, path: path, reason: "expected words, one a line, got none")
    }
    self.words = words
  }
}
