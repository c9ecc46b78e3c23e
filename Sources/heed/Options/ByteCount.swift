import ArgumentParser

/// A size as people write it: a number and a unit of powers of 1024, as in `6GiB`, `6G` or `1.5T`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  private static let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]

  init?(argument: String) {
    var text = argument[...]
    for ending in ["iB", "B"] where text.hasSuffix(ending) {
      text.removeLast(ending.count)
      break
    }
    guard let unit = text.popLast(), let power = Self.units[Character(unit.uppercased())],
      let number = Double(text.trimmingPrefix(" ")), number.isFinite, number > 0,
      let bytes = Int(exactly: (number * Double(1 << power)).rounded(.down)), bytes > 0
    else { return nil }
    self.bytes = bytes
  }
}
