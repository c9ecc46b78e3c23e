public import PromptText

/// A text that a run's model read: what it was for, which encoder read it, and its tokens.
///
/// A run has one for its prompt, for the negative prompt if guidance reads it, and for each part and
/// source prompt of its method.
public struct EncodedText: Hashable, Sendable {
  /// What a text was for.
  public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    /// The text prompt; the conditional branch.
    case prompt
    /// The negative prompt; the unconditional branch.
    case negative
    /// A part of the prompt that is conditioned on separately.
    case part
    /// Another prompt, whose maps the run takes over.
    case source
  }

  /// What it was for.
  public let role: Role
  /// The encoder, by its folder in the checkpoint; the first of several.
  public let encoder: String
  /// The weight of a part; `nil` for other texts.
  public let weight: Double?
  /// Its tokens, words and segments.
  public let table: TokenTable

  /// A text that the windows of an encoder hold, or several encoders one after the other.
  public init(
    _ role: Role, _ table: TokenTable, weight: Double? = nil, encoder: String = "text_encoder"
  ) {
    self.role = role
    self.encoder = encoder
    self.weight = weight
    self.table = table
  }

  /// Its segments along the keys, in their order.
  public var segments: [TokenTable.Segment] { table.segments }
}

extension EncodedText: Codable {
  private enum CodingKeys: String, CodingKey {
    case role, encoder, weight, segments
  }

  /// Reads the text and its table, which are in one object.
  ///
  /// Among segments with a name, one without is of the text's own encoder.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    role = try container.decode(Role.self, forKey: .role)
    encoder = try container.decode(String.self, forKey: .encoder)
    weight = try container.decodeIfPresent(Double.self, forKey: .weight)
    // A table by itself may do without segments, a text of a run may not.
    _ = try container.decode([TokenTable.Segment].self, forKey: .segments)
    let table = try TokenTable(from: decoder)
    let own = self.encoder
    self.table =
      table.segments.allSatisfy { $0.encoder == nil }
      ? table
      : TokenTable(
        prompt: table.prompt, tokens: table.tokens, words: table.words, leftOut: table.leftOut,
        segments: table.segments.map {
          TokenTable.Segment(
            encoder: $0.encoder ?? own, start: $0.start, words: $0.words, end: $0.end,
            padding: $0.padding)
        })
  }

  /// Writes the text and its table into one object.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(role, forKey: .role)
    try container.encode(self.encoder, forKey: .encoder)
    try container.encodeIfPresent(weight, forKey: .weight)
    try table.encode(to: encoder)
  }
}
