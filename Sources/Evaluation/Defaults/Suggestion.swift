/// The known name that was probably meant by an unknown one.
package enum Suggestion {
  /// The nearest of `names`, if it is near enough to be a slip or the beginning of it; the first of
  /// equals.
  package static func nearest(to name: String, among names: [String]) -> String? {
    let near = names.map { ($0, distance(name, $0)) }.min { $0.1 < $1.1 }
    if let (found, distance) = near, distance <= max(1, name.count / 3) { return found }
    return name.count > 1 ? names.first { $0.hasPrefix(name) } : nil
  }

  /// The end of a message about an unknown name, as in `; did you mean cat?`; empty where none is near.
  package static func question(_ name: String, among names: [String]) -> String {
    nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
  }

  /// The fewest characters to insert, remove, replace, or swap with their neighbour.
  static func distance(_ one: String, _ other: String) -> Int {
    let (a, b) = (Array(one), Array(other))
    var before = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        row.append(cost)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
