internal import AttentionTrace
internal import PromptText

extension Scene {
  /// The caption of a sheet of maps: what it shows, what the colours measure, and over which range.
  static func caption(
    _ prompt: String, _ shown: String, quantity: String, scale: ValueScale, style: MapStyle,
    strip: String
  ) -> String {
    "“\(prompt)”: \(shown). " + colors(quantity, scale: scale, style: style, strip: strip)
  }

  /// What the colours measure, over which range, and how maps are interpolated, as a sentence.
  static func colors(
    _ quantity: String, scale: ValueScale, style: MapStyle, strip: String
  ) -> String {
    let range =
      style.isOwnRange
      ? "each map on its own scale, printed below it"
      : "on one \(scale.isLogarithmic ? "logarithmic " : "")scale from "
        + "\(NumberText.value(scale.lower)) to \(NumberText.value(scale.upper))"
    let strip = style.isOwnRange ? "" : "; \(strip) is printed below each map"
    return "Colours: \(quantity), \(range), \(style.spread)\(strip)."
  }

  /// As in `(seeds 0, 3)`.
  static func list(_ name: String, _ items: [String]) -> String {
    "(\(items.count == 1 ? name : name + "s") \(items.joined(separator: ", ")))"
  }
}

extension Scene.Metadata {
  /// The metadata of a sheet's file: the prompt and the day of its first run.
  init(of run: RunManifest, software: String, manifest: OrderedJSON) {
    self.init(
      title: run.tokens.prompt, date: run.date.prefix(10) + "T00:00:00Z", software: software,
      manifest: manifest.string)
  }
}

/// The labels that all sheets of pictures and maps have.
extension SceneBuilder {
  /// Writes the prompt at the top of a sheet, in at most three lines, and returns their bottom.
  mutating func prompt(_ prompt: String, margin: Double, width: Double) -> Double {
    guard !isPart else { return margin }
    return paragraph(
      "“\(typesetter.drawable(prompt))”", x: margin, y: margin, width: width, TextStyle(size: 9),
      baseline: 8.4, pitch: 11, atMost: 3) + 3
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
      tokens, x: center, y: y + 13.8, secondary(6), .center, width: width)
  }

  /// What tells the blocks of a sheet apart: letters, and in a panel of several, small Roman numbers.
  func mark(_ index: Int) -> String { isPart ? Self.numeral(index) : Self.letter(index) }

  /// Panel letters in their order: (a) to (z), then (aa).
  static func letter(_ index: Int) -> String {
    var (rest, letters) = (index + 1, "")
    while rest > 0 {
      rest -= 1
      letters = String(UnicodeScalar(UInt8(97 + rest % 26))) + letters
      rest /= 26
    }
    return "(\(letters))"
  }

  /// Small Roman numbers: (i), (ii), (iii).
  private static func numeral(_ index: Int) -> String {
    var (rest, digits) = (index + 1, "")
    for (value, digit) in [
      (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
    ] {
      while rest >= value {
        rest -= value
        digits += digit
      }
    }
    return "(\(digits))"
  }
}
