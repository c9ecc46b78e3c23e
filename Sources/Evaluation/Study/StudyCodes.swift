internal import TensorEngine

/// Codes that say nothing of what they stand for, and that spell no word.
struct StudyCodes {
  private static let letters = Array("bcdfghjkmnpqrstvwxz")
  private static let length = 8

  private var given: Set<String> = []

  /// A code that was not given before.
  mutating func next(_ source: inout NumpyRandomSource) -> String {
    while true {
      let letters = (0..<Self.length).map { _ in
        Self.letters[source.place(below: Self.letters.count)]
      }
      let code = String(letters)
      if given.insert(code).inserted { return code }
    }
  }
}

extension NumpyRandomSource {
  /// `elements` in another order, each order as likely.
  ///
  /// Source: Fisher & Yates, as Durstenfeld's Algorithm 235, Communications of the ACM 7, 1964.
  mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var result = elements
    for last in result.indices.dropFirst().reversed() {
      result.swapAt(last, place(below: last + 1))
    }
    return result
  }
}
