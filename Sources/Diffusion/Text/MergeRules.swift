internal import TensorEngine

/// The merges of a byte-pair encoding, the first to apply first.
struct MergeRules {
  /// The file they are from.
  let path: String
  /// The two halves of each merge.
  private(set) var pairs: [(left: String, right: String)] = []

  /// Reads `merges.txt`: two pieces a line, with one space between them.
  /// - Throws: `FileError`.
  init(path: String) throws {
    self.path = path
    let file = try MappedFile(path: path)
    try file.withBytes { bytes in
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        if text.isEmpty || text.starts(with: "#version".utf8) { continue }
        try append(text, offset: text.startIndex)
      }
    }
  }

  /// Reads an array of `"a b"` or `["a", "b"]`, the value next in `scanner`.
  /// - Throws: `FileError`.
  init(from scanner: inout JSONScanner, path: String) throws {
    var rules = MergeRules(none: path)
    try scanner.elements { scanner in
      let start = scanner.offset
      switch try scanner.value() {
      case .string(let text):
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBytes { try rules.append($0[...], offset: start) }
      case .array(let halves):
        guard halves.count == 2, case .string(let left) = halves[0],
          case .string(let right) = halves[1]
        else { throw rules.failure(at: start) }
        rules.pairs.append((left, right))
      default:
        throw rules.failure(at: start)
      }
    }
    self = rules
  }

  private init(none path: String) { self.path = path }

  private mutating func append(_ text: Slice<UnsafeRawBufferPointer>, offset: Int) throws {
    guard let space = text.firstIndex(of: UInt8(ascii: " ")),
      !text[(space + 1)...].contains(UInt8(ascii: " ")),
      let left = String(validating: text[..<space], as: UTF8.self),
      let right = String(validating: text[(space + 1)...], as: UTF8.self)
    else { throw failure(at: offset) }
    pairs.append((left, right))
  }

  private func failure(at offset: Int) -> FileError {
    FileError(
      .malformed, path: path, offset: offset, subject: "merge \(pairs.count + 1)",
      reason: "expected two pieces with one space between them")
  }
}
