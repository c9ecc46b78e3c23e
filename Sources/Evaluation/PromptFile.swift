internal import Diffusion
private import Foundation
internal import PromptText
internal import TensorEngine

/// A file of prompts, one a line; empty lines and those that begin with `#` are none.
package struct PromptFile: Sendable {
  /// The prompts in their order, each with its line's number from 1.
  package let lines: [(prompt: String, number: Int)]
  private let name: String
  /// The most prompts of a file, as of a suite.
  private static let countLimit = SuiteDraft.promptLimit

  /// Reads the file at `path`; `-` is standard input.
  /// - Throws: `FileError` for a text that is not UTF-8, has no prompt or too many, and for a prompt that is
  ///   there twice, with its line.
  package init(_ path: String) throws {
    let name = path == "-" ? "standard input" : path
    self.name = name
    let reader = try LineReader(path)
    var lines: [(prompt: String, number: Int)] = []
    var numbers: [String: Int] = [:]
    var number = 0
    while let line = try reader.next() {
      number += 1
      let prompt = line.trimmingCharacters(in: .whitespaces)
      guard !prompt.isEmpty, !prompt.hasPrefix("#") else { continue }
      func failure(_ reason: String) -> FileError {
        FileError(.malformed, path: name, subject: "line \(number)", reason: reason)
      }
      if let twice = numbers.updateValue(number, forKey: prompt) {
        throw failure("expected each prompt once, got that of line \(twice) again")
      }
      if let excess = FileLimit.excess(ofPrompt: prompt) { throw failure(excess) }
      guard lines.count < Self.countLimit else {
        throw failure("expected at most \(Self.countLimit) prompts: give them in several files")
      }
      lines.append((prompt, number))
    }
    guard !lines.isEmpty else {
      throw FileError(.malformed, path: name, reason: "expected prompts, one a line, got none")
    }
    self.lines = lines
  }

  /// An order of runs for each prompt.
  /// - Parameter order: makes the order of a prompt.
  /// - Throws: `FileError` with the line of the first prompt that no runs can be made of, and why.
  package func orders(_ order: (String) throws -> RunOrder) throws -> [RunOrder] {
    try lines.map { line in
      func failure(_ reason: String) -> FileError {
        FileError(.malformed, path: name, subject: "line \(line.number)", reason: reason)
      }
      do {
        return try order(line.prompt)
      } catch TextError.subjectsNeeded {
        throw failure(
          "the subjects of \(FileError.quoted(line.prompt)) cannot be told; write it like \"a cat and a "
            + "frog\", or run it by itself with --tokens")
      } catch let error as TextError {
        // Without the table of tokens that some end with.
        throw failure(String("\(error)".prefix { $0 != "\n" }))
      } catch let error as DiffusionError {
        guard case .invalidRequest = error else { throw error }
        throw failure("\(error)")
      }
    }
  }
}
