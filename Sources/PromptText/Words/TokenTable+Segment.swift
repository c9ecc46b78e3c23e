extension TokenTable {
  /// The positions of the tokens of one window of a text encoder among the keys of attention.
  public struct Segment: Hashable, Sendable, Codable {
    /// The encoder, by its folder in the checkpoint; `nil` for the text's only one.
    public let encoder: String?
    /// The start token's index; `nil` if the encoder has none.
    public let start: Int?
    /// The text's own tokens, and those of a template around them.
    public let words: Range<Int>
    /// The end token's index; `nil` if the encoder has none.
    public let end: Int?
    /// The padding, behind the other tokens or before them.
    public let padding: Range<Int>

    /// A segment by its indices.
    public init(
      encoder: String? = nil, start: Int?, words: Range<Int>, end: Int?, padding: Range<Int>
    ) {
      self.encoder = encoder
      self.start = start
      self.words = words
      self.end = end
      self.padding = padding
    }

    /// Reads a segment.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      self.init(
        encoder: try container.decodeIfPresent(String.self, forKey: .encoder),
        start: try container.decodeIfPresent(Int.self, forKey: .start),
        words: try container.indexRange(forKey: .words),
        end: try container.decodeIfPresent(Int.self, forKey: .end),
        padding: try container.indexRange(forKey: .padding))
    }

    /// Whether a table with tokens at `places` has every index of the segment.
    func isWithin(_ places: Range<Int>) -> Bool {
      [start, end].compactMap(\.self).allSatisfy(places.contains)
        && [words, padding].allSatisfy { $0.clamped(to: places) == $0 }
    }

    /// Every index of the segment, ascending.
    package var indices: [Int] {
      ([start, end].compactMap { $0 } + words + padding).sorted()
    }

    /// The windows of a table of one encoder, each from its start token to the one before the next.
    static func windows(of tokens: [Token]) -> [Segment] {
      let starts = tokens.indices.filter { tokens[$0].special == .start }
      let bounds = (starts.isEmpty ? [0] : starts) + [tokens.count]
      return zip(bounds, bounds.dropFirst()).map { first, next in
        let end = tokens[first..<next].firstIndex { $0.special == .end } ?? max(next - 1, first)
        return Segment(
          start: first, words: min(first + 1, end)..<end, end: end,
          padding: min(end + 1, next)..<next)
      }
    }
  }

  /// The first token of each text encoder, ascending, from 0; one encoder may have several windows.
  package var encoderStarts: [Int] {
    var starts = [0]
    for (before, segment) in zip(segments, segments.dropFirst())
    where segment.encoder != before.encoder {
      starts.append(segment.indices.first ?? tokens.count)
    }
    return starts
  }

  /// The end token of each text encoder after its last word, ascending.
  ///
  /// Of an encoder without words it is the first; empty where no encoder has one.
  package var ends: [Int] {
    let starts = encoderStarts
    return zip(starts, starts.dropFirst() + [tokens.count]).compactMap { first, next in
      let own = tokens[min(first, next)..<next]
      let last = own.lastIndex { $0.word != nil } ?? first
      return own.dropFirst(last - first).firstIndex { $0.special == .end }
    }
  }
}
