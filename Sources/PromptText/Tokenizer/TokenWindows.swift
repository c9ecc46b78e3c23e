/// Tokens on their way into one window of a text encoder, or into several one after the other.
///
/// Several windows are filled as AUTOMATIC1111's web UI fills them: each has its own start, end and padding;
/// where a window is full and a comma stands among its last 20 tokens, what follows the comma moves to the
/// next; the vectors of an embedded word stay together.
/// - Reference: AUTOMATIC1111/stable-diffusion-webui `modules/sd_hijack_clip.py`, `tokenize_line`.
struct TokenWindows {
  /// A token of the text.
  struct Entry {
    let id: Int
    let range: Range<Int>
    /// The word's place among ``words``.
    let word: Int
    /// What its embedding is multiplied by; `nil` for 1.
    let weight: Double?
  }

  /// A word of the text.
  struct Word {
    let text: String
    let range: Range<Int>
  }

  /// How far back from a full window's end a comma is looked for.
  private static let commaReach = 20

  /// The tokens of a window, start and end included.
  private let window: Int
  /// The id of a comma that ends a word; `nil` if the vocabulary has none.
  private let comma: Int?
  private let takesWindows: Bool
  private var full: [[Entry]] = []
  private var current: [Entry] = []
  private var lastComma: Int?
  private(set) var words: [Word] = []
  /// Words that did not fit, whole or in part, as the user wrote them.
  private(set) var leftOut: [String] = []

  init(window: Int, comma: Int?, takesWindows: Bool) {
    (self.window, self.comma, self.takesWindows) = (window, comma, takesWindows)
  }

  /// The windows, at least one, without special tokens.
  var windows: [[Entry]] { full + (current.isEmpty && !full.isEmpty ? [] : [current]) }

  /// Adds a word.
  ///
  /// - Parameters:
  ///   - units: its tokens; those of a unit stay together.
  ///   - source: the word as the user wrote it.
  mutating func add(
    _ word: Word, _ units: [[(id: Int, range: Range<Int>)]], weight: Double?, source: String
  ) {
    let entries = units.map { unit in
      unit.map {
        Entry(id: $0.id, range: $0.range, word: words.count, weight: weight == 1 ? nil : weight)
      }
    }
    if takesWindows {
      for unit in entries { append(unit) }
      words.append(word)
      return
    }
    let all = entries.flatMap { $0 }
    let kept = all.prefix(window - 2 - current.count)
    if kept.count < all.count { leftOut.append(source) }
    if kept.isEmpty { return }
    current += kept
    words.append(word)
  }

  /// Ends the current window.
  mutating func endWindow() {
    full.append(current)
    (current, lastComma) = ([], nil)
  }

  private mutating func append(_ unit: [Entry]) {
    if unit.count == 1, unit[0].id == comma {
      lastComma = current.count
    } else if current.count == window - 2, let comma = lastComma,
      current.count - comma <= Self.commaReach
    {
      let moved = Array(current[(comma + 1)...])
      current.removeLast(moved.count)
      endWindow()
      current = moved
    }
    guard unit.count <= window - 2 else {
      for entry in unit { append([entry]) }
      return
    }
    if current.count + unit.count > window - 2 { endWindow() }
    current += unit
  }
}
