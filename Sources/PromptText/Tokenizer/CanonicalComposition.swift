/// Unicode's normalisation form C, as transformers' tokenizer applies it.
///
/// The algorithm is that of Unicode Standard Annex 15. Its tables are those of Unicode 9, which
/// that tokenizer carries: what was added since is left where it stands. The standard library's
/// own normalisation is newer, not public, and says nothing of where a character came from.
enum CanonicalComposition {
  /// Composes `text`.
  ///
  /// A character that normalisation leaves alone keeps its own source range; all others get that
  /// of the whole sequence of base and marks they belong to.
  static func compose(_ text: some Collection<SourceScalar>) -> SourceText {
    guard text.contains(where: { $0.scalar.value >= firstAffected }) else {
      return SourceText(text)
    }
    var result = SourceText()
    result.reserveCapacity(text.count)
    var sequence = SourceText()
    for element in text {
      if startsSequence(element.scalar) {
        append(sequence, to: &result)
        sequence.removeAll(keepingCapacity: true)
      }
      sequence.append(element)
    }
    append(sequence, to: &result)
    return result
  }

  /// Decomposes `text` into base characters and marks, form D; a character's parts have its range.
  static func decompose(_ text: SourceText) -> SourceText {
    guard text.contains(where: { $0.scalar.value >= firstDecomposed }) else { return text }
    let parts = text.flatMap { element in
      decomposition(of: element.scalar).map { SourceScalar(scalar: $0, range: element.range) }
    }
    return ordered(parts, \.scalar)
  }

  /// Below this no character decomposes.
  private static let firstDecomposed: UInt32 = 0xC0

  /// Below this no character is a mark or decomposes for good.
  private static let firstAffected: UInt32 = 0x300

  /// The first Unicode version that the tables do not know.
  private static let firstUnknownVersion = 10

  private static func append(_ sequence: SourceText, to result: inout SourceText) {
    guard let first = sequence.first, let last = sequence.last else { return }
    if sequence.count == 1, !first.scalar.properties.isFullCompositionExclusion {
      result.append(first)
      return
    }
    let composed = composed(ordered(sequence.flatMap { decomposition(of: $0.scalar) }, \.self))
    if composed.elementsEqual(sequence.lazy.map(\.scalar)) {
      result.append(contentsOf: sequence)
      return
    }
    let range = first.range.lowerBound..<last.range.upperBound
    result.append(contentsOf: composed.map { SourceScalar(scalar: $0, range: range) })
  }

  /// Whether nothing before `scalar` can combine with it.
  private static func startsSequence(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= firstAffected else { return true }
    let first = decomposition(of: scalar)[0]
    return combiningClass(first) == 0 && !Hangul.isTrailing(first)
      && !tables.secondStarters.contains(first)
  }

  private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    let properties = scalar.properties
    guard scalar.value >= firstAffected, let age = properties.age, age.major < firstUnknownVersion
    else { return 0 }
    return properties.canonicalCombiningClass.rawValue
  }

  private static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    if let jamo = Hangul.decomposition(of: scalar) { return jamo }
    guard let (first, second) = tables.decompositions[scalar] else { return [scalar] }
    return decomposition(of: first) + (second.map { [$0] } ?? [])
  }

  /// Marks sorted by combining class between starters, keeping the order of equals.
  private static func ordered<Element>(
    _ elements: [Element], _ scalar: (Element) -> Unicode.Scalar
  ) -> [Element] {
    var segment = 0
    return elements.enumerated().map { position, element in
      let own = combiningClass(scalar(element))
      if own == 0 { segment += 1 }
      return (key: (segment, own, position), element: element)
    }.sorted { $0.key < $1.key }.map(\.element)
  }

  /// Joins each character with the last starter before it, unless something in between blocks it.
  private static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var starter: Int?
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let own = combiningClass(scalar)
      if let position = starter {
        let adjacent = position == result.count - 1
        if adjacent || (lastClass < own && lastClass != 0),
          let joined = composite(result[position], scalar)
        {
          result[position] = joined
          continue
        }
      }
      if own == 0 { starter = result.count }
      lastClass = own
      result.append(scalar)
    }
    return result
  }

  private static func composite(
    _ first: Unicode.Scalar, _ second: Unicode.Scalar
  ) -> Unicode.Scalar? {
    Hangul.composite(first, second) ?? tables.composites[Pair(first: first, second: second)]
  }

  private struct Pair: Hashable {
    let first: Unicode.Scalar
    let second: Unicode.Scalar
  }

  private struct Tables {
    var decompositions: [Unicode.Scalar: (Unicode.Scalar, Unicode.Scalar?)] = [:]
    var composites: [Pair: Unicode.Scalar] = [:]
    var secondStarters: Set<Unicode.Scalar> = []
  }

  private static let tables: Tables = {
    var tables = Tables()
    for entry in canonicalDecompositions.split(whereSeparator: { $0 == "," || $0.isNewline }) {
      let parts = entry.split(separator: " ").compactMap { digits in
        UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
      }
      guard parts.count >= 2 else { continue }
      let (whole, first, second) = (parts[0], parts[1], parts.count > 2 ? parts[2] : nil)
      tables.decompositions[whole] = (first, second)
      guard let second, !whole.properties.isFullCompositionExclusion else { continue }
      tables.composites[Pair(first: first, second: second)] = whole
      if combiningClass(second) == 0 { tables.secondStarters.insert(second) }
    }
    return tables
  }()
}
