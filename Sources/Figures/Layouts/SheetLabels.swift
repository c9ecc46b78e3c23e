/// The labels that every sheet of pictures and maps bears alike.
extension SceneBuilder {
  /// Writes the prompt at the top of a sheet, in at most three lines, and returns their bottom.
  mutating func prompt(_ prompt: String, margin: Double, width: Double) -> Double {
    let style = TextStyle(size: 9)
    let lines = typesetter.wrap(
      "“" + typesetter.drawable(prompt) + "”", width: width, size: style.size, atMost: 3)
    var y = margin
    for line in lines {
      text(line, x: margin, y: y + 8.4, style)
      y += 11
    }
    return y + 3
  }

  /// Writes a column's name and its tokens, around `center`, above panels of `width`.
  mutating func columnLabel(
    _ name: String, tokens: String, center: Double, y: Double, width: Double
  ) {
    let size = size(of: name, from: [7, 6.5, 6], width: width) ?? 6
    text(
      name, x: center, y: y + (tokens.isEmpty ? 13.4 : 6.5), .init(size: size), .center,
      width: width)
    text(
      tokens, x: center, y: y + 13.8, .init(size: 6, color: .secondary), .center, width: width)
  }
}
