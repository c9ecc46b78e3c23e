internal import TensorEngine

extension TokenTable {
  /// The table for a program: one JSON object on one line, without a line break.
  ///
  /// Keys, in this order: `text`, the prompt; `ids`, from the start token to the end token;
  /// `tokens`, those with `index`, `id`, `piece`, `range` and, where it is not 1, `weight`; `words`, with
  /// `text`, `occurrence`, `tokens` and `range`; and `left_out` where the window was too short. A range
  /// is `[first, end]` in UTF-8 bytes of the prompt, `null` for start and end.
  package func jsonLine() -> String {
    let tokens = tokens[...end].map { token in
      var members: [(key: String, value: String)] = [
        ("index", "\(token.index)"), ("id", "\(token.id)"), ("piece", string(token.piece)),
        ("range", token.range.map(range) ?? "null"),
      ]
      if let weight = token.weight { members.append(("weight", "\(weight)")) }
      return JSONText.object(members)
    }
    let words = words.map { word in
      JSONText.object([
        ("text", string(word.text)), ("occurrence", "\(word.occurrence)"),
        ("tokens", JSONText.array(word.tokens.map(String.init))), ("range", range(word.range)),
      ])
    }
    var members: [(key: String, value: String)] = [
      ("text", string(prompt)), ("ids", JSONText.array(ids.map(String.init))),
      ("tokens", JSONText.array(tokens)),
      ("words", JSONText.array(words)),
    ]
    if !leftOut.isEmpty { members.append(("left_out", JSONText.array(leftOut.map(string)))) }
    return JSONText.object(members)
  }

  private func range(_ range: Range<Int>) -> String { "[\(range.lowerBound), \(range.upperBound)]" }

  /// With DEL escaped too, which a terminal would act on.
  private func string(_ text: String) -> String {
    JSONText.string(text).replacing("\u{7F}", with: "\\u007f")
  }
}
