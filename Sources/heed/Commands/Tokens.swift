import ArgumentParser
import AttentionTrace
import Diffusion
import Foundation
import PromptText

/// A prompt as the model reads it.
struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a prompt's tokens: ids, pieces, and the words they make.")

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

  func validate() throws {
    if (prompt == nil) == (from == nil) {
      throw ValidationError("Give either a prompt or --from FILE.")
    }
  }

  func run() throws {
    let tokenizer =
      try vocabulary.map { try CLIPTokenizer(folder: $0) }
      ?? Checkpoint.tokenizer(of: model.path)
    if let prompt { return show(tokenizer.encode(prompt)) }
    let lines = try LineReader(from ?? "-")
    var isFirst = true
    while let line = try lines.next() {
      if !json && !isFirst { print() }
      isFirst = false
      show(tokenizer.encode(line))
    }
  }

  private func show(_ table: TokenTable) {
    Message.leftOut(table)
    print(json ? table.jsonLine() : table.text())
  }
}

/// Lines of a file or of standard input, which must be UTF-8, without a carriage return at the end.
final class LineReader {
  private let file: UnsafeMutablePointer<FILE>
  private let name: String
  private var number = 0

  init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    guard let file = unsafe path == "-" ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "r") else {
      throw Failure(.missingInput, unsafe "\(name): cannot open: \(String(cString: strerror(errno)))")
    }
    unsafe self.file = unsafe file
  }

  deinit { unsafe fclose(file) }

  func next() throws -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { unsafe free(line) }
    let length = unsafe getline(&line, &capacity, file)
    guard length >= 0, let unsafe line else {
      guard unsafe ferror(file) == 0 else {
        throw Failure(.missingInput, unsafe "\(name): \(String(cString: strerror(errno)))")
      }
      return nil
    }
    number += 1
    var bytes = unsafe UnsafeRawBufferPointer(start: line, count: length)[...]
    if unsafe bytes.last == UInt8(ascii: "\n") { unsafe bytes.removeLast() }
    if unsafe bytes.last == UInt8(ascii: "\r") { unsafe bytes.removeLast() }
    guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
      throw Failure(.dataError, "\(name): line \(number) is not UTF-8")
    }
    return text
  }
}
