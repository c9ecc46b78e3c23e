internal import CCairo

/// Measures and draws single lines of text with Pango, the same on every machine.
///
/// One belongs to one thread; layouts and back ends each make their own.
///
/// Owns its context and layout of Pango from `init` to `deinit`; the canvas drawn on is its caller's.
@safe package final class Typesetter {
  /// What a line takes around the start of its baseline, in points.
  package struct Extent {
    package var width: Double
    var ascent: Double
    var descent: Double
  }

  private struct Style: Hashable {
    package var string: String
    package var size: Double
    package var isBold: Bool
  }

  /// The face that words are set in.
  package let typeface: Typeface
  private let fonts: FontSet
  private let context: OpaquePointer
  private let layout: OpaquePointer
  private var extents: [Style: Extent] = [:]
  private var hasGlyph: [Character: Bool] = [:]
  /// Characters that no font at hand can draw.
  private var unknown: Set<Character> = []

  package init(_ typeface: Typeface) throws {
    self.typeface = typeface
    fonts = try FontSet(typeface)
    guard let context = unsafe pango_font_map_create_context(fonts.map) else {
      throw FigureError.drawing("pango failed to make a context")
    }
    unsafe self.context = unsafe context
    let options = unsafe cairo_font_options_create()
    unsafe cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    unsafe cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    unsafe cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    unsafe pango_cairo_context_set_font_options(context, options)
    unsafe cairo_font_options_destroy(options)
    unsafe pango_cairo_context_set_resolution(context, 72)
    unsafe pango_context_set_round_glyph_positions(context, 0)
    unsafe pango_context_set_language(context, pango_language_from_string("en"))
    guard let layout = unsafe pango_layout_new(context) else {
      throw FigureError.drawing("pango failed to make a layout")
    }
    unsafe self.layout = unsafe layout
    unsafe pango_layout_set_single_paragraph_mode(layout, 1)
  }

  deinit {
    unsafe g_object_unref(UnsafeMutableRawPointer(layout))
    unsafe g_object_unref(UnsafeMutableRawPointer(context))
  }

  private func set(_ style: Style) {
    let font = unsafe pango_font_description_from_string(fonts.families)
    unsafe pango_font_description_set_weight(
      font, style.isBold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL)
    unsafe pango_font_description_set_size(
      font, Int32((style.size * Double(PANGO_SCALE)).rounded()))
    unsafe pango_layout_set_font_description(layout, font)
    unsafe pango_font_description_free(font)
    unsafe pango_layout_set_text(layout, style.string, Int32(style.string.utf8.count))
  }

  /// The room that `string` takes on one line.
  package func extent(_ string: String, size: Double, isBold: Bool = false) -> Extent {
    let style = Style(string: string, size: size, isBold: isBold)
    if let known = extents[style] { return known }
    set(style)
    var logical = PangoRectangle()
    unsafe pango_layout_line_get_extents(pango_layout_get_line_readonly(layout, 0), nil, &logical)
    let scale = Double(PANGO_SCALE)
    let extent = Extent(
      width: Double(logical.width) / scale, ascent: Double(-logical.y) / scale,
      descent: Double(logical.y + logical.height) / scale)
    extents[style] = extent
    return extent
  }

  /// Draws `string` on `canvas` from the current point, which is where its baseline starts.
  package func draw(_ string: String, size: Double, isBold: Bool, on canvas: OpaquePointer) {
    set(Style(string: string, size: size, isBold: isBold))
    unsafe pango_cairo_show_layout_line(canvas, pango_layout_get_line_readonly(layout, 0))
  }

  /// `string` on one line that every font can draw: control characters become spaces, and a
  /// character without a glyph its code point, as in `U+1F438`.
  func drawable(_ string: String) -> String {
    var result = ""
    var wasUnknown = false
    for character in string {
      if character.isASCII, let scalar = character.unicodeScalars.first {
        result.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : character)
      } else if canDraw(character) {
        result.append(character)
      } else {
        unknown.insert(character)
        // Neighbours are kept apart, so that lines can break between them.
        if wasUnknown { result += " " }
        result += Self.codePoints(of: character)
        wasUnknown = true
        continue
      }
      wasUnknown = false
    }
    return result
  }

  private func canDraw(_ character: Character) -> Bool {
    if let known = hasGlyph[character] { return known }
    if character.unicodeScalars.contains(where: Self.isControl) {
      hasGlyph[character] = false
      return false
    }
    set(Style(string: String(character), size: 10, isBold: false))
    let result = unsafe pango_layout_get_unknown_glyphs_count(layout) == 0
    hasGlyph[character] = result
    return result
  }

  /// Whether a scalar breaks lines, has no agreed look, or turns the direction of the text around
  /// it by force.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
    default: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
  }

  private static func codePoints(of character: Character) -> String {
    character.unicodeScalars.map { scalar in
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }.joined(separator: " ")
  }

  /// `string` in lines of at most `width`: broken at spaces, in a word that is wider than a line after a
  /// hyphen or a slash, and where it has none, between characters.
  package func lines(_ string: String, width: Double, size: Double, isBold: Bool = false)
    -> [String]
  {
    func fits(_ line: String) -> Bool {
      extent(line, size: size, isBold: isBold).width <= width
    }
    var rest = string.split(separator: " ").map(String.init)
    var lines: [String] = []
    while !rest.isEmpty {
      var line = rest.removeFirst()
      if fits(line) {
        while let next = rest.first, fits(line + " " + next) {
          line += " " + next
          rest.removeFirst()
        }
      } else {
        let (head, tail) = Self.split(line, where: fits)
        line = head
        if !tail.isEmpty { rest.insert(tail, at: 0) }
      }
      lines.append(line)
    }
    return lines
  }

  /// The parts of `string` that ``lines(_:width:size:isBold:)`` leaves whole if it can.
  package static func pieces(_ string: String) -> [String] {
    string.split(separator: " ").flatMap { word in
      var pieces = [""]
      for character in word {
        pieces[pieces.count - 1].append(character)
        if breaks.contains(character) { pieces.append("") }
      }
      return pieces.filter { !$0.isEmpty }
    }
  }

  /// After which characters a word may break.
  private static let breaks: Set<Character> = ["-", "–", "/", "_", "+", "=", ","]

  /// Breaks a word that is wider than a line: at least one character stays.
  private static func split(
    _ word: String, where fits: (String) -> Bool
  ) -> (head: String, tail: String) {
    let characters = Array(word)
    var (shortest, longest) = (1, max(1, characters.count))
    while shortest < longest {
      let middle = (shortest + longest + 1) / 2
      if fits(String(characters[..<middle])) { shortest = middle } else { longest = middle - 1 }
    }
    if let place = characters[..<shortest].lastIndex(where: breaks.contains),
      place + 1 < characters.count
    {
      shortest = place + 1
    }
    // After a hyphen, if there is one.
    if let hyphen = characters[..<shortest].lastIndex(of: "-"), hyphen + 1 < characters.count {
      shortest = hyphen + 1
    }
    return (String(characters[..<shortest]), String(characters[shortest...]))
  }

  /// What to tell the user about the characters that had no glyph; empty if all had one.
  package var warnings: [String] {
    if unknown.isEmpty { return [] }
    let names = unknown.sorted().prefix(8).map(Self.codePoints(of:))
    let count = unknown.count
    let more = unknown.count > names.count ? " and others" : ""
    let packages = Set(unknown.flatMap { $0.unicodeScalars.compactMap(Self.package) }).sorted()
    let advice = packages.isEmpty ? "" : "; apt-get install " + packages.joined(separator: " ")
    return [
      "\(count) character\(count == 1 ? "" : "s") without a glyph in the figure's fonts,"
        + " printed as code points: \(names.joined(separator: ", "))\(more)\(advice)"
    ]
  }

  /// The Debian package with a font for a scalar that DejaVu and Liberation lack.
  private static func package(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x1100...0x11FF, 0x2E80...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7FF, 0xF900...0xFAFF,
      0xFE30...0xFE4F, 0xFF00...0xFFEF, 0x20000...0x3FFFF:
      return "fonts-noto-cjk"
    default:
      switch scalar.properties.generalCategory {
      case .otherSymbol, .mathSymbol, .modifierSymbol: return "fonts-symbola"
      case .otherLetter, .lowercaseLetter, .uppercaseLetter, .modifierLetter, .spacingMark,
        .nonspacingMark, .decimalNumber:
        return "fonts-noto-core"
      default: return nil
      }
    }
  }
}
