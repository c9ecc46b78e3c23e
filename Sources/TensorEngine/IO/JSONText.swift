/// JSON (RFC 8259) as text, for documents whose bytes are fixed: on one line, or a member a line.
package enum JSONText {
  /// A string in quotes, with the escapes that serde_json writes.
  package static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{08}": result += "\\b"
      case "\u{0C}": result += "\\f"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{00}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// An array of values that are JSON already.
  package static func array(_ elements: [String]) -> String {
    "[" + elements.joined(separator: ", ") + "]"
  }

  /// An object of the members that are named, in their order, whose values are JSON already.
  package static func object(_ members: KeyValuePairs<String, String>) -> String {
    object(members.map { (key: $0.key, value: $0.value) })
  }

  /// An object of any number of members in their order, whose values are JSON already.
  package static func object(_ members: [(key: String, value: String)]) -> String {
    "{" + members.map { "\(string($0.key)): \($0.value)" }.joined(separator: ", ") + "}"
  }

  /// A document that is an object, a member a line, whose values are JSON already.
  package static func lines(_ members: [(key: String, value: String)]) -> String {
    "{\n" + members.map { "  \(string($0.key)): \($0.value)" }.joined(separator: ",\n") + "\n}\n"
  }
}
