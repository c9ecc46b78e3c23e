private import Foundation

// Unsafe: the C library's stream is opened and closed here alone, and its bytes are copied.

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

  /// The most bytes of a line.
  private static let longest = 1 << 20

  /// The next line; `nil` after the last.
  /// - Throws: `FileError`, also for a line that is not UTF-8, or is longer than a MiB.
  package func next() throws -> String? {
    var bytes: [UInt8] = []
    var isAny = false
    while case let byte = unsafe getc_unlocked(file), byte != EOF {
      isAny = true
      if byte == UInt8(ascii: "\n") { break }
      guard bytes.count < Self.longest else {
        throw FileError(
          .malformed, path: name,
          reason: "line \(number + 1) is longer than \(Self.longest) bytes")
      }
      bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    guard unsafe ferror(file) == 0 else {
      throw FileError(
        .unreadable, path: name, reason: unsafe String(cString: strerror(errno)))
    }
    guard isAny else { return nil }
    number += 1
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileError(.malformed, path: name, reason: "line \(number) is not UTF-8")
    }
    return text
  }
}
