/// Combinations of factors' values in which every two values of two factors occur together at least once.
struct CoveringArray {
  /// `[combination][factor]` the place of a value.
  let rows: [[Int]]

  /// - Parameter sizes: how many values each factor has.
  init(_ sizes: [Int]) {
    var open: Set<[Int]> = []
    for one in sizes.indices {
      for other in sizes.indices where other > one {
        for value in 0..<sizes[one] {
          for second in 0..<sizes[other] { open.insert([one, value, other, second]) }
        }
      }
    }
    func pairs(_ row: [Int?], _ factor: Int, _ value: Int) -> [[Int]] {
      row.enumerated().compactMap { other, second in
        guard other != factor, let second else { return nil }
        return other < factor ? [other, second, factor, value] : [factor, value, other, second]
      }
    }
    var rows: [[Int]] = []
    while let pair = open.min(by: { $0.lexicographicallyPrecedes($1) }) {
      var row: [Int?] = sizes.map { _ in nil }
      row[pair[0]] = pair[1]
      row[pair[2]] = pair[3]
      // Every other factor takes the value that covers most of the open pairs.
      for factor in sizes.indices where row[factor] == nil {
        row[factor] = (0..<sizes[factor]).max { one, other in
          pairs(row, factor, one).count(where: open.contains)
            < pairs(row, factor, other).count(where: open.contains)
        }
      }
      let whole = row.map { $0 ?? 0 }
      for factor in sizes.indices {
        for pair in pairs(whole, factor, whole[factor]) { open.remove(pair) }
      }
      rows.append(whole)
    }
    self.rows = rows
  }

  /// Every combination.
  static func product(_ sizes: [Int]) -> [[Int]] {
    sizes.reduce([[]]) { rows, size in rows.flatMap { row in (0..<size).map { row + [$0] } } }
  }
}
