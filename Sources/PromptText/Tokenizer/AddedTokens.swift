/// The added tokens of a tokenizer, and how text is cut at them.
struct AddedTokens: Sendable {
  /// A part of a text: an added token, or what stands between two.
  struct Part {
    var text: ArraySlice<SourceScalar>
    var id: Int?
  }

  fileprivate struct Pattern: Sendable {
    let token: AddedToken
    let id: Int
  }

  /// Ids by content.
  private(set) var ids: [[UInt8]: Int] = [:]
  private var raw = PatternTree<Pattern>()
  private var normalized = PatternTree<Pattern>()
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
    // Of several that are the same once they are normalised, the first id counts.
    for (key, id) in ids.sorted(by: { $0.value < $1.value }) {
      guard let token = last[key] else { continue }
      let (content, pattern) = (SourceText(token.content), Pattern(token: token, id: id))
      if token.isNormalized {
        normalized.add(pattern, of: normalize(content[...]).map(\.scalar))
      } else {
        raw.add(pattern, of: content.map(\.scalar))
      }
    }
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
  private static func cut(
    _ text: ArraySlice<SourceScalar>, at patterns: PatternTree<Pattern>
  ) -> [Part] {
    guard !patterns.isEmpty else { return [Part(text: text)] }
    var parts: [Part] = []
    var done = text.startIndex
    var position = text.startIndex
    while position < text.endIndex {
      let rest = text[position...].lazy.map(\.scalar)
      guard let (pattern, length) = patterns.longest(in: rest) else {
        position += 1
        continue
      }
      let end = position + length
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
