private import Foundation

// Unsafe: the C library's stream is opened and closed here alone, and its lines are copied.

/// Lines of a file or of standard input, which must be UTF-8, without a carriage return at the end.
@safe package final class LineReader {
  private let file: UnsafeMutablePointer<FILE>
  private let name: String
  private var number = 0

  /// Opens the file at `path`; `-` is standard input.
  /// - Throws: `FileError`.
  package init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    guard let file = unsafe path == "-" ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "r") else {
      throw FileError(
        .unreadable, path: name, reason: unsafe "cannot open: \(String(cString: strerror(errno)))")
    }
    unsafe self.file = unsafe file
  }

  deinit { unsafe fclose(file) }

  /// The next line; `nil` after the last.
  /// - Throws: `FileError`, also for a line that is not UTF-8.
  package func next() throws -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { unsafe free(line) }
    let length = unsafe getline(&line, &capacity, file)
    guard length >= 0, let line = unsafe line else {
      guard unsafe ferror(file) == 0 else {
        throw FileError(
          .unreadable, path: name, reason: unsafe String(cString: strerror(errno)))
      }
      return nil
    }
    number += 1
    var bytes = unsafe UnsafeRawBufferPointer(start: line, count: length)[...]
    if unsafe bytes.last == UInt8(ascii: "\n") { unsafe bytes.removeLast() }
    if unsafe bytes.last == UInt8(ascii: "\r") { unsafe bytes.removeLast() }
    guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
      throw FileError(.malformed, path: name, reason: "line \(number) is not UTF-8")
    }
    return text
  }
}
