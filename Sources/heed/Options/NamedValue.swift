import Foundation

/// `name=value`, as in `cat=cat.png`; blanks around either do not count.
struct NamedValue {
  let name: String
  let value: String

  /// Reads a list separated by commas.
  static func list(_ text: String, option: String, example: String) throws -> [NamedValue] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { part -> NamedValue? in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else { return nil }
      return NamedValue(name: sides[0], value: sides[1])
    }
    guard values.count == parts.count else {
      throw Failure(.usage, "\(option) is '\(text)'; expected a list as in \(example)")
    }
    guard Set(values.map(\.name)).count == values.count else {
      throw Failure(.usage, "\(option) is '\(text)'; a name is given twice")
    }
    return values
  }
}
