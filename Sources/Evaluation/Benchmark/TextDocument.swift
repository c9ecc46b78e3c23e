private import Glibc
internal import TensorEngine

// Unsafe: a mapped file's bytes are copied at once; a scanner, and a search for the end of a line, read bytes
// that an array lends them.

/// A text file from outside, whole in memory: JSON, lines of JSON, or plain lines.
struct TextDocument {
  /// A line without its end.
  struct Line {
    /// Where its bytes are.
    let range: Range<Int>
    /// From 1.
    let number: Int
  }

  /// Finds one line after the other, so that what is wrong in the first costs nothing of the others.
  struct Lines: Sequence, IteratorProtocol {
    fileprivate let bytes: [UInt8]
    private var start = 0
    private var count = 0

    fileprivate init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Line? {
      guard start < bytes.count else { return nil }
      let end = TextDocument.lineEnd(in: bytes, from: start) ?? bytes.count
      let stop = end > start && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
      defer { start = end + 1 }
      count += 1
      return Line(range: start..<stop, number: count)
    }
  }

  /// The largest file, in bytes.
  private static let sizeLimit = 64 << 20
  /// The most lines, blank ones too.
  private static let lineLimit = 1_000_000
  /// The most rows of a table, or values that stand on lines of their own.
  static let rowLimit = 200_000

  let path: String
  /// UTF-8, without a byte order mark.
  let bytes: [UInt8]
  /// Where the bytes begin in the file: behind the mark.
  private let start: Int
  /// The lines; a carriage return before the end of a line is part of the end.
  var lines: Lines { Lines(bytes) }

  /// - Throws: `FileError` for what is no file, too large, or not UTF-8.
  init(path: String) throws {
    let file = try MappedFile(path: path)
    guard file.count <= Self.sizeLimit else {
      throw FileError(
        .malformed, path: path,
        reason: "expected at most \(Self.sizeLimit) bytes, got \(file.count)")
    }
    var bytes = unsafe file.withBytes { unsafe [UInt8]($0) }
    start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    bytes.removeFirst(start)
    var (place, count) = (0, 0)
    while let end = Self.lineEnd(in: bytes, from: place) {
      (place, count) = (end + 1, count + 1)
      guard count <= Self.lineLimit else {
        throw FileError(
          .malformed, path: path,
          reason: "expected at most \(Self.lineLimit) lines, got more: split the file")
      }
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let line = Lines(bytes).first { String(validating: bytes[$0.range], as: UTF8.self) == nil }
      throw FileError(
        .malformed, path: path, subject: line.map { "line \($0.number)" },
        reason: "expected text in UTF-8, got other bytes")
    }
    (self.path, self.bytes) = (path, bytes)
  }

  private static func lineEnd(in bytes: [UInt8], from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
      return unsafe found.map { unsafe UnsafeRawPointer($0) - base }
    }
  }

  /// The bytes at a place as text.
  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The first byte of a place that is not white space; `nil` if there is none.
  func firstByte(_ range: Range<Int>) -> UInt8? {
    bytes[range].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
  }

  // MARK: - JSON

  /// The document's value.
  /// - Throws: `FileError` with the byte and what is wrong there.
  func root() throws -> JSONNode { JSONNode(try json(bytes.indices), file: path) }

  /// The value at a place, and nothing else there.
  func json(_ range: Range<Int>) throws -> JSONValue {
    try unsafe bytes[range].withUnsafeBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path, origin: start + range.lowerBound)
      let value = try scanner.value()
      try scanner.end()
      return value
    }
  }

  /// Reads each line that is not blank as JSON; a node's place is the line.
  /// - Throws: `FileError` with the line, or what `body` throws.
  func eachValue(_ body: (JSONNode, Line) throws -> Void) throws {
    var count = 0
    for line in lines where firstByte(line.range) != nil {
      let place = "line \(line.number)"
      count += 1
      guard count <= Self.rowLimit else {
        throw FileError(
          .malformed, path: path, subject: place,
          reason: "expected at most \(Self.rowLimit) lines that are not blank: split the file")
      }
      let value: JSONValue
      do {
        value = try json(line.range)
      } catch let error as FileError {
        throw FileError(
          error.kind, path: path, offset: error.offset, subject: place, reason: error.reason)
      }
      try body(JSONNode(value, file: path, place: place), line)
    }
  }

  /// The elements of the list that the document is, each with its bytes' place.
  /// - Throws: `FileError` with the byte and what is wrong there.
  func elements() throws -> [(node: JSONNode, range: Range<Int>)] {
    var elements: [(node: JSONNode, range: Range<Int>)] = []
    try unsafe bytes.withUnsafeBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path, origin: start)
      try scanner.elements { scanner in
        let first = scanner.offset - start
        let value = try scanner.value()
        let node = JSONNode(value, file: path, place: "[\(elements.count)]")
        elements.append((node, first..<scanner.offset - start))
      }
      try scanner.end()
    }
    return elements
  }
}
