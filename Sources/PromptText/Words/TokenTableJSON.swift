extension TokenTable {
  /// The table for a program: one JSON object on one line, without a line break.
  ///
  /// Keys, in this order: `text`, the prompt; `ids`, from the start token to the end token;
  /// `tokens`, those with `index`, `id`, `piece` and `range`; `words`, with `text`, `occurrence`,
  /// `tokens` and `range`; and `left_out` where the window was too short. A range is
  /// `[first, end]` in UTF-8 bytes of the prompt, `null` for start and end.
  package func jsonLine() -> String {
    let tokens = tokens[...end].map { token in
      object([
        ("index", "\(token.index)"), ("id", "\(token.id)"), ("piece", string(token.piece)),
        ("range", token.range.map(range) ?? "null"),
      ])
    }
    let words = words.map { word in
      object([
        ("text", string(word.text)), ("occurrence", "\(word.occurrence)"),
        ("tokens", array(word.tokens.map(String.init))), ("range", range(word.range)),
      ])
    }
    var members = [
      ("text", string(prompt)), ("ids", array(ids.map(String.init))), ("tokens", array(tokens)),
      ("words", array(words)),
    ]
    if !leftOut.isEmpty { members.append(("left_out", array(leftOut.map(string)))) }
    return object(members)
  }

  private func object(_ members: [(key: String, value: String)]) -> String {
    "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
  }

  private func array(_ elements: [String]) -> String {
    "[" + elements.joined(separator: ", ") + "]"
  }

  private func range(_ range: Range<Int>) -> String { "[\(range.lowerBound), \(range.upperBound)]" }

  private func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\0"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
