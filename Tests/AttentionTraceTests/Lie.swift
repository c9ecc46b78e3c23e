import AttentionTrace
import Foundation
import Testing

/// A part of a file's text, what is put there instead, and the problem that a check of the run finds then.
struct Lie: CustomTestStringConvertible, Sendable {
  let file: String
  let truth: String
  let lie: String
  /// The file that the problem is of.
  let found: String
  /// Words of the problem.
  let words: String
  var testDescription: String { "\(file): \(truth) → \(lie)" }

  init(_ file: String, _ truth: String, _ lie: String, _ found: String, _ words: String) {
    (self.file, self.truth, self.lie, self.found, self.words) = (file, truth, lie, found, words)
  }

  /// A lie that is found in the file itself.
  init(_ file: String, _ truth: String, _ lie: String, _ words: String) {
    self.init(file, truth, lie, file, words)
  }

  /// Puts the lie into a run, and expects that a check finds it.
  func expectFound(in run: RunFolder) throws {
    let path = run.path + "/" + file
    let text = String(decoding: try bytes(path), as: UTF8.self)
    let place = try #require(text.range(of: truth))
    try overwrite(path, text.replacingCharacters(in: place, with: lie).utf8)
    let problems = try RunCheck(run.path).problems
    let isFound = problems.contains {
      $0.file == run.path + "/" + found && $0.reason.contains(words)
    }
    #expect(isFound, "\(problems.map(\.description).joined(separator: "\n"))")
  }
}
