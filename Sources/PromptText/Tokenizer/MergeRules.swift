internal import TensorEngine

// Unsafe: a file's bytes, or a string's, are read within their count, in the call that lends them.

/// The merges of a byte-pair encoding, the first to apply first.
struct MergeRules {
  /// The file they are from.
  let path: String
  /// The two halves of each merge.
  private(set) var pairs: [(left: String, right: String)] = []

  /// More merges than any tokenizer is known to have.
  private static let most = 1 << 19

  /// Reads `merges.txt`: two pieces a line, with one space between them.
  /// - Throws: `FileError`.
  init(path: String) throws {
    self.path = path
    let file = try MappedFile(path: path)
    try FileLimit.description.require(file, as: "merges")
    try unsafe file.withBytes { bytes in
      let bytes = unsafe bytes.bindMemory(to: UInt8.self)
      guard unsafe String(validating: bytes, as: UTF8.self) != nil else {
        throw FileError(.malformed, path: path, reason: "the file is not UTF-8")
      }
      var start = 0
      while start < bytes.count {
        let end = unsafe bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let hasReturn = unsafe end > start && bytes[end - 1] == UInt8(ascii: "\r")
        let line = unsafe bytes[start..<(hasReturn ? end - 1 : end)]
        if unsafe !line.isEmpty, unsafe !line.starts(with: "#version".utf8) {
          try unsafe append(UnsafeBufferPointer(rebasing: line), offset: start)
        }
        start = end + 1
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
        try unsafe bytes.withUnsafeBufferPointer { try unsafe rules.append($0, offset: start) }
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

  private mutating func append(_ text: UnsafeBufferPointer<UInt8>, offset: Int) throws {
    guard pairs.count < Self.most else {
      throw FileError(
        .malformed, path: path, offset: offset,
        reason: "expected at most \(Self.most) merges, got more")
    }
    guard let space = unsafe text.firstIndex(of: UInt8(ascii: " ")),
      unsafe !text[(space + 1)...].contains(UInt8(ascii: " "))
    else { throw failure(at: offset) }
    let left = unsafe UnsafeBufferPointer(rebasing: text[..<space])
    let right = unsafe UnsafeBufferPointer(rebasing: text[(space + 1)...])
    unsafe pairs.append(
      (String(decoding: left, as: UTF8.self), String(decoding: right, as: UTF8.self)))
  }

  private func failure(at offset: Int) -> FileError {
    FileError(
      .malformed, path: path, offset: offset, subject: "merge \(pairs.count + 1)",
      reason: "expected two pieces with one space between them")
  }
}
