public import PromptText

/// A text that a run's model read: what it was for, which encoder read it, and its tokens.
///
/// A run has one for its prompt, for the negative prompt if guidance reads it, and for each part and
/// source prompt of its method.
public struct EncodedText: Hashable, Sendable {
  /// What a text was for.
  public enum Role: String, Hashable, Sendable, Codable {
    /// The text prompt; the conditional branch.
    case prompt
    /// The negative prompt; the unconditional branch.
    case negative
    /// A part of the prompt that is conditioned on separately.
    case part
    /// Another prompt, whose maps the run takes over.
    case source
  }

  /// The positions of the tokens of one window of an encoder among the keys of attention.
  public struct Segment: Hashable, Sendable, Codable {
    /// The start token's index; `nil` if the encoder has none.
    public let start: Int?
    /// The text's tokens: first index, and the index after the last.
    public let words: [Int]
    /// The end token's index; `nil` if the encoder has none.
    public let end: Int?
    /// The padding: first index, and the index after the last.
    public let padding: [Int]

    /// A segment by its indices.
    public init(start: Int?, words: Range<Int>, end: Int?, padding: Range<Int>) {
      self.start = start
      self.words = [words.lowerBound, words.upperBound]
      self.end = end
      self.padding = [padding.lowerBound, padding.upperBound]
    }
  }

  /// What it was for.
  public let role: Role
  /// The encoder, by its folder in the checkpoint.
  public let encoder: String
  /// The weight of a part; `nil` for other texts.
  public let weight: Double?
  /// Its segments along the keys, in their order.
  public let segments: [Segment]
  /// Its tokens and words.
  public let table: TokenTable

  /// A text that one window of an encoder holds, or several one after the other.
  public init(
    _ role: Role, _ table: TokenTable, weight: Double? = nil, encoder: String = "text_encoder"
  ) {
    self.role = role
    self.encoder = encoder
    self.weight = weight
    self.table = table
    segments = Self.segments(of: table)
  }

  /// The windows of a table, each from its start token to the one before the next.
  private static func segments(of table: TokenTable) -> [Segment] {
    let count = table.tokens.count
    let starts = table.tokens.indices.filter { table.tokens[$0].special == .start }
    let bounds = (starts.isEmpty ? [0] : starts) + [count]
    return zip(bounds, bounds.dropFirst()).map { first, next in
      let end = table.tokens[first..<next].firstIndex { $0.special == .end } ?? next - 1
      return Segment(
        start: first, words: min(first + 1, end)..<end, end: end,
        padding: min(end + 1, next)..<next)
    }
  }
}

extension EncodedText: Codable {
  private enum CodingKeys: String, CodingKey {
    case role, encoder, weight, segments
  }

  /// Reads the text and its table, which are in one object.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    role = try container.decode(Role.self, forKey: .role)
    encoder = try container.decode(String.self, forKey: .encoder)
    weight = try container.decodeIfPresent(Double.self, forKey: .weight)
    segments = try container.decode([Segment].self, forKey: .segments)
    table = try TokenTable(from: decoder)
  }

  /// Writes the text and its table into one object.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(role, forKey: .role)
    try container.encode(self.encoder, forKey: .encoder)
    try container.encodeIfPresent(weight, forKey: .weight)
    try container.encode(segments, forKey: .segments)
    try table.encode(to: encoder)
  }
}
