/// CLIP's normalisation: canonical composition, runs of white space to one space, lower case.
enum TextNormalizer {
  /// Normalises `text`; each character keeps the part of the source it came from.
  static func normalize(_ text: some Collection<SourceScalar>) -> SourceText {
    var result = SourceText()
    result.reserveCapacity(text.count)
    for element in CanonicalComposition.compose(text) {
      let scalar = element.scalar
      if ScalarClass(scalar) == .space {
        append(space: element, to: &result)
      } else if scalar.value < 0x80 {
        result.append(SourceScalar(scalar: lowercased(ascii: scalar), range: element.range))
      } else {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
          result.append(SourceScalar(scalar: lower, range: element.range))
        }
      }
    }
    return result
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
