/// An option that only some methods read.
struct MethodOption {
  let name: String
  let isGiven: Bool
  /// The methods that read it.
  let readers: [String]

  init(_ name: String, _ isGiven: Bool, of readers: String...) {
    self.init(name, isGiven, of: readers)
  }

  init(_ name: String, _ isGiven: Bool, of readers: [String]) {
    (self.name, self.isGiven, self.readers) = (name, isGiven, readers)
  }
}

extension [MethodOption] {
  /// Refuses what none of the methods asked for reads, as it would change nothing.
  func refuseUnread(by entries: [MethodEntry]) throws {
    for option in self where option.isGiven {
      guard !entries.contains(where: { option.readers.contains($0.name) }) else { continue }
      throw Failure(
        .usage,
        "\(option.name) is read by \(option.readers.joined(separator: ", ")), "
          + (option.readers.count == 1 ? "which is not asked for" : "none of which is asked for"))
    }
  }
}
