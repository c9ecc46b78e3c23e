internal import TensorEngine

extension TokenTable {
  /// The ids up to ``end``: of a text of one window, from its start token to its end token, without
  /// padding.
  public var ids: [Int] { tokens[...end].map(\.id) }

  /// The table for a reader: a line for each token but padding, with its index, id, piece, word.
  ///
  /// A word that comes again is numbered, as in `frog#2`; control characters are spelt out. The
  /// last line has no line break.
  public func text() -> String {
    let shown = tokens.filter { $0.special != .padding }
    let rows = [["index", "id", "piece", "word"]] + shown.map(row)
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let index = String(repeating: " ", count: widths[0] - row[0].count) + row[0]
      let id = String(repeating: " ", count: widths[1] - row[1].count) + row[1]
      let piece = row[2] + String(repeating: " ", count: widths[2] - row[2].count)
      return "\(index)  \(id)  \(piece)  \(row[3])"
    }.joined(separator: "\n")
  }

  private func row(_ token: Token) -> [String] {
    [
      String(token.index), String(token.id), FileError.printable(token.piece),
      token.word.map { FileError.printable(reference(to: words[$0]).description) }
        ?? "<\(token.special?.rawValue ?? "")>",
    ]
  }
}
