/// Text from outside for places where some characters do more than stand there.
///
/// In a terminal they move its cursor and change its title, and in the properties of a file they hide what is
/// said.
package enum PlainText {
  /// `text` on one line, without characters that steer what shows it.
  ///
  /// What controls a terminal, ends a line or turns the direction of what follows is written as an escape;
  /// joiners of letters and of emoji stay.
  package static func line(_ text: String) -> String { escaped(text) { _ in false } }

  /// The same of several lines, whose ends and tabs stay.
  package static func lines(_ text: String) -> String {
    escaped(text) { $0 == "\n" || $0 == "\t" }
  }

  private static func escaped(_ text: String, except isKept: (Unicode.Scalar) -> Bool) -> String {
    guard text.unicodeScalars.contains(where: { steers($0) && !isKept($0) }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if steers(scalar), !isKept(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
