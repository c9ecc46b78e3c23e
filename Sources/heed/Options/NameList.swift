internal import Evaluation

/// Some of the known names, separated by commas.
struct NameList {
  let names: [String]

  /// From how many known names on they are not listed in a message.
  private static let many = 30

  /// - Throws: ``Failure`` for an unknown name, listing the known ones where they are few, and for a name
  ///   given twice.
  init(option: String, _ text: String, of known: [String]) throws {
    var names: [String] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard known.contains(name) else {
        let expected =
          known.count < Self.many ? UsageText.choice(of: known) : "\(known.count) others"
        throw Failure(
          .usage,
          "\(option) is '\(name)'; expected \(expected)" + Suggestion.question(name, among: known))
      }
      guard !names.contains(name) else {
        throw Failure(.usage, "\(option): '\(name)' is given twice")
      }
      names.append(name)
    }
    self.names = names
  }
}
