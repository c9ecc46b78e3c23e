/// The added tokens of a tokenizer, and how text is cut at them.
struct AddedTokens: Sendable {
  /// A part of a text: an added token, or what stands between two.
  struct Part {
    var text: ArraySlice<SourceScalar>
    var id: Int?
  }

  fileprivate struct Pattern: Sendable {
    let scalars: [Unicode.Scalar]
    let token: AddedToken
    let id: Int
  }

  /// Ids by content.
  private(set) var ids: [[UInt8]: Int] = [:]
  private var raw: [Pattern] = []
  private var normalized: [Pattern] = []
  private let normalize: @Sendable (ArraySlice<SourceScalar>) -> SourceText

  /// Takes over `tokens`; of several with one content, the last counts.
  ///
  /// Those that `vocabulary` lacks get ids after its own, in their order.
  /// - Parameter normalize: what the tokenizer does to text between them; CLIP's way if not given.
  init(
    _ tokens: [AddedToken], vocabulary: Vocabulary,
    normalize: @escaping @Sendable (ArraySlice<SourceScalar>) -> SourceText = {
      TextNormalizer.normalize($0)
    }
  ) {
    self.normalize = normalize
    var last: [[UInt8]: AddedToken] = [:]
    var next = vocabulary.count
    for token in tokens where !token.content.isEmpty {
      let key = Array(token.content.utf8)
      last[key] = token
      if ids[key] == nil {
        let id = vocabulary.id(of: token.content) ?? next
        ids[key] = id
        next = max(next, id + 1)
      }
    }
    for (key, token) in last {
      guard let id = ids[key] else { continue }
      let content = SourceText(token.content)
      let scalars = token.isNormalized ? normalize(content[...]) : content
      let pattern = Pattern(scalars: scalars.map(\.scalar), token: token, id: id)
      if token.isNormalized { normalized.append(pattern) } else { raw.append(pattern) }
    }
    let order: (Pattern, Pattern) -> Bool = {
      ($1.scalars.count, $0.id) < ($0.scalars.count, $1.id)
    }
    raw.sort(by: order)
    normalized.sort(by: order)
  }

  /// Cuts `text`, normalises what lies between, and cuts that again.
  func split(_ text: SourceText) -> [Part] {
    Self.cut(text[...], at: raw).flatMap { part -> [Part] in
      guard part.id == nil else { return [part] }
      let between = normalize(part.text)
      return Self.cut(between[...], at: normalized)
    }
  }

  /// Finds patterns from the left, the longest where several begin.
  private static func cut(_ text: ArraySlice<SourceScalar>, at patterns: [Pattern]) -> [Part] {
    guard !patterns.isEmpty else { return [Part(text: text)] }
    var parts: [Part] = []
    var done = text.startIndex
    var position = text.startIndex
    while position < text.endIndex {
      guard let pattern = patterns.first(where: { $0.begins(text[position...]) }) else {
        position += 1
        continue
      }
      let end = position + pattern.scalars.count
      if let match = pattern.extend(position..<end, in: text, from: done) {
        if done < match.lowerBound { parts.append(Part(text: text[done..<match.lowerBound])) }
        parts.append(Part(text: text[match], id: pattern.id))
        done = match.upperBound
      }
      position = max(end, done)
    }
    if done < text.endIndex { parts.append(Part(text: text[done...])) }
    return parts
  }
}

extension AddedTokens.Pattern {
  /// Whether `text` begins with the pattern.
  fileprivate func begins(_ text: ArraySlice<SourceScalar>) -> Bool {
    guard text.first?.scalar == scalars.first else { return false }
    return text.lazy.map(\.scalar).starts(with: scalars)
  }

  /// A match with the white space it takes, `nil` if it had to be a single word and is not.
  fileprivate func extend(
    _ match: Range<Int>, in text: ArraySlice<SourceScalar>, from earliest: Int
  ) -> Range<Int>? {
    var (start, end) = (match.lowerBound, match.upperBound)
    if token.isSingleWord {
      if start > text.startIndex, text[start - 1].scalar.isWordCharacter { return nil }
      if end < text.endIndex, text[end].scalar.isWordCharacter { return nil }
    }
    if token.stripsLeft {
      while start > earliest, ScalarClass(text[start - 1].scalar) == .space { start -= 1 }
    }
    if token.stripsRight {
      while end < text.endIndex, ScalarClass(text[end].scalar) == .space { end += 1 }
    }
    return start..<end
  }
}

extension Unicode.Scalar {
  /// Whether a regular expression's `\w` matches it (Unicode Technical Standard 18, annex C).
  var isWordCharacter: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      true
    default:
      properties.isAlphabetic || properties.isJoinControl
    }
  }
}
