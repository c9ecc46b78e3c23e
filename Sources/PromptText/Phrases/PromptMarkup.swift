/// What a user marked in a prompt: phrases in brackets, and parts with weights.
///
/// - `[a red car] and [a white sheep]`: brackets around phrases.
/// - `a cat:7.5 | a frog:-2`: parts that are conditioned on one by one, each with a weight if it ends
///   in a colon and a number.
public struct PromptMarkup: Hashable, Sendable {
  /// A part of a prompt that is conditioned on by itself.
  public struct Component: Hashable, Sendable {
    /// Its words.
    public let text: String
    /// Its weight; `nil` for the weight of guidance.
    public let weight: Double?

    /// A part with a weight of its own, or with that of guidance.
    public init(text: String, weight: Double?) {
      self.text = text
      self.weight = weight
    }
  }

  /// The prompt without marks: of parts those whose weight is not below 0, joined by "and".
  public private(set) var prompt: String
  /// Phrases in brackets, as UTF-8 offsets into the prompt; empty if none is marked.
  public private(set) var phrases: [Range<Int>] = []
  /// The parts; empty if the prompt has no bars.
  public private(set) var components: [Component] = []

  /// A prompt with what was read of it.
  init(prompt: String, components: [Component]) {
    self.prompt = prompt
    self.components = components
  }

  /// Reads marks.
  ///
  /// - Parameters:
  ///   - text: the prompt as the user wrote it.
  ///   - brackets: whether brackets mark phrases.
  ///   - parts: whether bars part the prompt.
  /// - Throws: ``TextError`` for a bracket without its other, an empty part, and a weight that is no
  ///   number.
  public init(_ text: String, brackets: Bool, parts: Bool) throws(TextError) {
    guard !parts || !text.trimmingSpace().isEmpty else { throw .emptyPrompt }
    prompt = ""
    let pieces = parts ? text.split(separator: "|", omittingEmptySubsequences: false) : [text[...]]
    for piece in pieces {
      var (words, weight) = (String(piece), Double?.none)
      if parts { (words, weight) = try Self.weighted(piece) }
      let marked = brackets ? try Self.unbracketed(words) : (text: words, phrases: [])
      guard !parts || !marked.text.trimmingSpace().isEmpty else {
        throw .emptyPart(prompt: text)
      }
      if pieces.count > 1 || weight != nil {
        components.append(Component(text: marked.text, weight: weight))
      }
      if let weight, weight < 0 { continue }
      if !prompt.isEmpty { prompt += " and " }
      let offset = prompt.utf8.count
      prompt += marked.text
      phrases += marked.phrases.map { $0.lowerBound + offset..<$0.upperBound + offset }
    }
    if parts, prompt.isEmpty { throw .nothingWanted(prompt: text) }
  }

  /// A part's words and its weight, if it ends in one; `10:30` is a time.
  private static func weighted(
    _ piece: Substring
  ) throws(TextError) -> (text: String, weight: Double?) {
    let text = String(piece).trimmingSpace()
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      !text[text.index(before: colon)].isNumber
    else { return (text, nil) }
    let end = String(text[text.index(after: colon)...]).trimmingSpace()
    if let weight = Double(end), weight.isFinite {
      return (String(text[..<colon]).trimmingSpace(), weight)
    }
    guard !isMeantAsNumber(end) else { throw .badWeight(part: text) }
    return (text, nil)
  }

  /// Whether what follows a part's last colon is a weight with a slip in it: nothing, `nan`, or one
  /// word that begins as numbers do; `photo: a cat` has no weight.
  private static func isMeantAsNumber(_ text: String) -> Bool {
    guard let first = text.first, Double(text) == nil else { return true }
    return (first.isNumber || "+-.,".contains(first)) && !text.contains(where: \.isWhitespace)
  }

  /// A text without its brackets, and where they stood.
  private static func unbracketed(
    _ text: String
  ) throws(TextError) -> (text: String, phrases: [Range<Int>]) {
    var (plain, phrases, start) = ("", [Range<Int>](), Int?.none)
    for character in text {
      switch character {
      case "[":
        guard start == nil else { throw .unbalancedBracket(prompt: text) }
        start = plain.utf8.count
      case "]":
        guard let from = start else { throw .unbalancedBracket(prompt: text) }
        guard from < plain.utf8.count else { throw .noPhrase(text: "[]") }
        phrases.append(from..<plain.utf8.count)
        start = nil
      default: plain.append(character)
      }
    }
    guard start == nil else { throw .unbalancedBracket(prompt: text) }
    return (plain, phrases)
  }

  /// The parts of a prompt that its user has not cut: at each " and ", without one at each " with ".
  ///
  /// As Attend-and-Excite's metrics halve a prompt (Chefer et al., SIGGRAPH 2023, section 5).
  /// - Returns: the whole prompt where it has neither.
  public static func automaticParts(of prompt: String) -> [String] {
    for link in [" and ", " with "] {
      let parts = prompt.split(separator: link).map { String($0).trimmingSpace() }
        .filter { !$0.isEmpty }
      if parts.count > 1 { return parts }
    }
    return [prompt]
  }
}
