/// A character and the part of the user's text that it came from.
struct SourceScalar: Hashable, Sendable {
  /// The character, perhaps normalised.
  var scalar: Unicode.Scalar
  /// Where it came from, as UTF-8 offsets into the user's text.
  var range: Range<Int>
}

/// Text whose every character knows where it came from.
typealias SourceText = [SourceScalar]

extension SourceText {
  /// The characters of `text`, unchanged.
  init(_ text: String) {
    self.init()
    reserveCapacity(text.utf8.count)
    var offset = 0
    for scalar in text.unicodeScalars {
      let end = offset + UTF8.width(scalar)
      append(SourceScalar(scalar: scalar, range: offset..<end))
      offset = end
    }
  }
}

extension Collection where Element == SourceScalar {
  /// The characters alone.
  var string: String {
    var result = String.UnicodeScalarView()
    result.append(contentsOf: lazy.map(\.scalar))
    return String(result)
  }
}
