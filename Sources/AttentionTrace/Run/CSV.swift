/// Tables as RFC 4180 has them: commas, quotes where they are needed, and lines that end in CR LF.
package enum CSV {
  /// What ends every line, the last too.
  package static let lineEnd = "\r\n"

  /// A row with its end.
  package static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",") + lineEnd
  }

  /// A text as a field.
  private static func field(_ text: String) -> String {
    let special = text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    guard special else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// A number in the fewest digits that read back to the same value; `NaN`, `inf` and `-inf` where it
  /// is none.
  package static func number<Value: BinaryFloatingPoint & CustomStringConvertible>(
    _ value: Value
  ) -> String {
    if value.isNaN { return "NaN" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
