/// Cuts normalised text into the pieces that are encoded one by one.
///
/// CLIP's expression, `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|
/// [^\s\p{L}\p{N}]+`, and after it GPT-2's on each piece, which cuts the two names once more.
enum PreTokenizer {
  /// Text that is encoded on its own.
  struct Piece {
    var text: ArraySlice<SourceScalar>
    /// The id, if the piece is an added token.
    var id: Int?
    /// Whether nothing stands between it and the piece before.
    var touchesPrevious = false
  }

  /// The pieces of a whole text.
  static func pieces(of parts: [AddedTokens.Part]) -> [Piece] {
    parts.flatMap { part in
      part.id == nil ? pieces(of: part.text) : [Piece(text: part.text, id: part.id)]
    }
  }

  /// The pieces of normalised text.
  static func pieces(of text: ArraySlice<SourceScalar>) -> [Piece] {
    var pieces: [Piece] = []
    var position = text.startIndex
    var end = position
    while position < text.endIndex {
      guard ScalarClass(text[position].scalar) != .space else {
        position += 1
        continue
      }
      for length in lengths(text[position...]) {
        pieces.append(
          Piece(
            text: text[position..<position + length],
            touchesPrevious: position == end && !pieces.isEmpty))
        position += length
        end = position
      }
    }
    return pieces
  }

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    .map { Array($0.unicodeScalars) }
  private static let names = ["startoftext", "endoftext"]
    .map { Array("<|\($0)|>".unicodeScalars) }

  /// The lengths of the pieces that the expression's next match makes.
  private static func lengths(_ text: ArraySlice<SourceScalar>) -> [Int] {
    guard let first = text.first?.scalar else { return [] }
    func begins(_ pattern: [Unicode.Scalar]) -> Bool {
      text.lazy.map(\.scalar).starts(with: pattern)
    }
    if first == "<", let name = names.first(where: begins) { return [2, name.count - 4, 2] }
    if first == "'", let match = contractions.first(where: begins) { return [match.count] }
    let kind = ScalarClass(first)
    if kind == .number { return [1] }
    return [text.prefix { ScalarClass($0.scalar) == kind }.count]
  }
}
