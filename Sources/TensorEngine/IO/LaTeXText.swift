/// Arbitrary text for LaTeX, in which nothing is a command.
package enum LaTeXText {
  /// The text with LaTeX's own characters written as commands, on one line; of control characters nothing is
  /// left.
  package static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\textbackslash{}"
      case "&", "%", "$", "#", "_", "{", "}": result += "\\\(character)"
      case "~": result += "\\textasciitilde{}"
      case "^": result += "\\textasciicircum{}"
      case "<": result += "\\textless{}"
      case ">": result += "\\textgreater{}"
      case "×": result += "$\\times$"
      case "−": result += "$-$"
      case "√": result += "$\\surd$"
      case "≥": result += "$\\geq$"
      case "≤": result += "$\\leq$"
      case "²": result += "$^2$"
      case "³": result += "$^3$"
      case "°": result += "$^\\circ$"
      case "·": result += "$\\cdot$"
      case "…": result += "\\dots{}"
      case "–": result += "--"
      case "—": result += "---"
      case "‘": result += "`"
      case "“": result += "``"
      case "”": result += "''"
      case "’": result += "'"
      case _ where character.isNewline || character == "\t": result += " "
      case _ where character.unicodeScalars.contains { $0.properties.generalCategory == .control }:
        break
      default: result.append(character)
      }
    }
  }

  /// The characters of `text` that the fonts lack which LaTeX sets text in by itself, each once.
  package static func unusual(in text: String) -> [Character] {
    var seen: Set<Character> = []
    return text.filter { !isUsual($0) && seen.insert($0).inserted }.map(\.self)
  }

  /// Whether a character is in these fonts, or is written as a command.
  private static func isUsual(_ character: Character) -> Bool {
    if character.isASCII || "×−√“”’‘–—…·≥≤²³°".contains(character) { return true }
    // Latin letters with the accents of the T1 encoding.
    return character.unicodeScalars.allSatisfy { (0xC0...0x17F).contains($0.value) }
  }
}
