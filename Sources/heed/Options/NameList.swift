/// Some of the known names, separated by commas.
struct NameList {
  let names: [String]

  /// - Throws: ``Failure`` for an unknown name, listing the known ones, and for a name given twice.
  init(option: String, _ text: String, of known: [String]) throws {
    var names: [String] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard known.contains(name) else { throw Failure.wrongValue(option, name, expected: known) }
      guard !names.contains(name) else {
        throw Failure(.usage, "\(option): '\(name)' is given twice")
      }
      names.append(name)
    }
    self.names = names
  }
}
