/// `0..3`, both ends included, or one number.
struct IndexRange {
  let range: ClosedRange<Int>

  init(option: String, _ text: String) throws {
    let bounds = text.components(around: "..")
    guard let first = bounds.first.flatMap({ Int($0) }),
      let last = bounds.last.flatMap({ Int($0) }),
      bounds.count <= 2, first >= 0, first <= last
    else {
      throw Failure(.usage, "\(option) is '\(text)'; expected a range, as in 0..3")
    }
    range = first...last
  }
}

/// `0..3`, or `0,2,7`, or a mix: indices, ascending.
struct IndexList {
  let indices: [Int]

  /// The largest index; more is a typing error.
  private static let limit = 1_000_000

  init(option: String, _ text: String) throws {
    var indices: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = try? IndexRange(option: option, String(part)).range,
        range.upperBound <= Self.limit
      else {
        throw Failure(.usage, "\(option) is '\(text)'; expected indices, as in 0,3..5")
      }
      indices.formUnion(range)
    }
    self.indices = indices.sorted()
  }
}

/// Names of cases, separated by commas.
struct ChoiceList<Value: RawRepresentable & CaseIterable> where Value.RawValue == String {
  let choices: [Value]

  init(option: String, _ text: String) throws {
    choices = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let value = Value(rawValue: String(part)) else {
        throw Failure.wrongValue(option, part, expected: Value.allCases.map(\.rawValue))
      }
      return value
    }
  }
}

extension String {
  /// The parts before and after each `separator`.
  func components(around separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
