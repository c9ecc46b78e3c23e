/// CLIP's normalisation: canonical composition, runs of white space to one space, lower case.
enum TextNormalizer {
  /// Normalises `text`; each character keeps the part of the source it came from.
  static func normalize(_ text: some Collection<SourceScalar>) -> SourceText {
    var result = SourceText()
    result.reserveCapacity(text.count)
    for element in CanonicalComposition.compose(text) {
      if ScalarClass(element.scalar) == .space {
        append(space: element, to: &result)
      } else {
        append(lowercased: element, to: &result)
      }
    }
    return result
  }

  /// Appends a character in lower case, which may be several.
  static func append(lowercased element: SourceScalar, to text: inout SourceText) {
    let scalar = element.scalar
    if scalar.value < 0x80 {
      text.append(SourceScalar(scalar: lowercased(ascii: scalar), range: element.range))
    } else {
      for lower in scalar.properties.lowercaseMapping.unicodeScalars {
        text.append(SourceScalar(scalar: lower, range: element.range))
      }
    }
  }

  private static func append(space: SourceScalar, to text: inout SourceText) {
    if let last = text.last, last.scalar == " " {
      text[text.count - 1].range = last.range.lowerBound..<space.range.upperBound
    } else {
      text.append(SourceScalar(scalar: " ", range: space.range))
    }
  }

  private static func lowercased(ascii scalar: Unicode.Scalar) -> Unicode.Scalar {
    ("A"..."Z") ~= scalar ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar
  }
}
