internal import TensorEngine

// Unsafe: a mapped file's bytes are copied at once; a scanner reads bytes that an array lends it.

/// A text file from outside, whole in memory: JSON, lines of JSON, or plain lines.
struct TextDocument {
  /// A line without its end.
  struct Line {
    /// Where its bytes are.
    let range: Range<Int>
    /// From 1.
    let number: Int
  }

  /// The largest file, in bytes.
  private static let sizeLimit = 64 << 20

  let path: String
  /// UTF-8, without a byte order mark.
  let bytes: [UInt8]
  /// Where the bytes begin in the file: behind the mark.
  private let start: Int
  /// The lines; a carriage return before the end of a line is part of the end.
  let lines: [Line]

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
    let lines = Self.lines(of: bytes)
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let line = lines.first { String(validating: bytes[$0.range], as: UTF8.self) == nil }
      throw FileError(
        .malformed, path: path, subject: line.map { "line \($0.number)" },
        reason: "expected text in UTF-8, got other bytes")
    }
    (self.path, self.bytes, self.lines) = (path, bytes, lines)
  }

  private static func lines(of bytes: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let stop = end > start && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
      lines.append(Line(range: start..<stop, number: lines.count + 1))
      start = end + 1
    }
    return lines
  }

  /// The bytes at a place as text.
  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The first byte of a place that is not white space; `nil` if there is none.
  func firstByte(_ range: Range<Int>) -> UInt8? {
    bytes[range].first { ![0x20, 0x09, 0x0D, 0x0A].contains($0) }
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
    for line in lines where firstByte(line.range) != nil {
      let place = "line \(line.number)"
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
