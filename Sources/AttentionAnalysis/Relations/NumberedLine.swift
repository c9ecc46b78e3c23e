internal import TensorEngine

// Unsafe: a mapped file's bytes become a string at once.

/// A line of a text file and where it is, so that what is wrong with it can be said.
struct NumberedLine {
  /// Without its end.
  let text: String
  /// From 1.
  let number: Int
  let path: String

  /// The lines of the file at `path`, each made as it is asked for; they end with a line feed, which a
  /// carriage return may precede.
  static func read(path: String) throws -> UnfoldSequence<NumberedLine, (start: Int, number: Int)> {
    let file = try MappedFile(path: path)
    try FileLimit.relations.require(file)
    let bytes = unsafe file.withBytes { unsafe [UInt8]($0) }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw FileError(.malformed, path: path, reason: "expected text in UTF-8")
    }
    let start = bytes.starts(with: "\u{FEFF}".utf8) ? 3 : 0
    return sequence(state: (start: start, number: 1)) { state in
      guard state.start <= bytes.count else { return nil }
      let end = bytes[state.start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let line = bytes[state.start..<end]
      defer { state = (end + 1, state.number + 1) }
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return NumberedLine(
        text: String(decoding: text, as: UTF8.self), number: state.number, path: path)
    }
  }

  var isBlank: Bool { text.allSatisfy(\.isWhitespace) }
  var isComment: Bool { text.hasPrefix("#") }

  /// What stands between separators, without the white space around it; double quotes around a field
  /// keep the separators in it, and mean themselves where they are doubled, as in RFC 4180.
  func quotedFields(separatedBy separator: Unicode.Scalar) throws -> [String] {
    var fields: [String] = []
    var rest = Substring.UnicodeScalarView(text.unicodeScalars)
    while true {
      rest = rest.drop { $0 == " " }
      if rest.first == "\"" {
        fields.append(try takeQuoted(from: &rest, before: separator))
      } else {
        let field = rest.prefix { $0 != separator }
        fields.append(String(field).trimmed)
        rest = rest[field.endIndex...]
      }
      guard rest.popFirst() != nil else { return fields }
    }
  }

  /// Takes a field between quotes and what follows it up to the separator, which must be white space.
  private func takeQuoted(
    from rest: inout Substring.UnicodeScalarView, before separator: Unicode.Scalar
  ) throws -> String {
    var field = String.UnicodeScalarView()
    rest.removeFirst()
    while true {
      guard let scalar = rest.popFirst() else { throw failure("expected a closing quote") }
      guard scalar == "\"" else {
        field.append(scalar)
        continue
      }
      guard rest.first == "\"" else { break }
      field.append("\"")
      rest.removeFirst()
    }
    rest = rest.drop { $0 == " " }
    guard rest.first == nil || rest.first == separator else {
      throw failure("expected nothing more in a field after its closing quote")
    }
    return String(field).trimmed
  }

  /// What stands between separators, as it is.
  func fields(separatedBy separator: Unicode.Scalar) -> [String] {
    text.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false)
      .map { String($0) }
  }

  func failure(_ reason: String) -> FileError {
    FileError(.malformed, path: path, subject: "line \(number)", reason: reason)
  }
}

extension String {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    var rest = drop { $0.isWhitespace }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
