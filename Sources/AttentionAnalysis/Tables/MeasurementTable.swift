internal import AttentionTrace

/// Numbers measured of recordings, a row for each thing measured.
package struct MeasurementTable: Hashable, Sendable {
  /// A key of a row.
  package enum Key: Hashable, Sendable {
    case text(String)
    case integer(Int)
    /// A method: its name for programs, its title for people.
    case method(String, title: String)

    /// As it is written for programs.
    package var description: String {
      switch self {
      case .text(let text): text
      case .integer(let value): String(value)
      case .method(let name, _): name
      }
    }

    /// As people read it.
    package var title: String {
      if case .method(_, let title) = self { title } else { description }
    }

    /// The key of a run's method.
    init(_ method: RunManifest.Method) { self = .method(method.name, title: method.figureTitle) }
  }

  /// One thing measured.
  package struct Row: Hashable, Sendable {
    /// Its keys, in the order of ``MeasurementTable/keys``.
    package let keys: [Key]
    /// Its numbers, in the order of ``MeasurementTable/values``; NaN where one is not defined.
    package let values: [Double]
    /// The recipe of its maps; `nil` for the table's.
    var recipe: String?

    /// A row with a key and a number for each column of the table.
    package init(keys: [Key], values: [Double]) { (self.keys, self.values) = (keys, values) }
  }

  /// The recipe of the measured maps, but of rows that have their own.
  package internal(set) var recipe: String
  /// Names of the keys that identify rows, as in `seed` and `word`.
  package let keys: [String]
  /// Names of the numbers.
  package let values: [String]
  /// The rows, in the order of the runs.
  package var rows: [Row]

  /// A table with these columns.
  package init(recipe: String, keys: [String], values: [String], rows: [Row] = []) {
    (self.recipe, self.keys, self.values, self.rows) = (recipe, keys, values, rows)
  }

  /// The recipes of all rows, each once.
  package var recipes: [String] {
    rows.isEmpty ? [recipe] : rows.map { $0.recipe ?? recipe }.uniqued
  }

  /// The same measured over seeds, or over prompts and seeds: of rows that differ in these keys alone,
  /// each number's mean and the ends of its bootstrap interval, and `n`, how many rows there were.
  ///
  /// The columns are `entropy`, `entropy_low`, `entropy_high`, and so on. A table without such keys
  /// is not changed.
  package func over(
    _ merged: Set<String>, _ bootstrap: Bootstrap = Bootstrap()
  ) -> MeasurementTable {
    let kept = keys.indices.filter { !merged.contains(keys[$0]) }
    guard kept.count < keys.count else { return self }
    func others(_ row: Row) -> [Key] { kept.map { row.keys[$0] } }
    var order: [[Key]] = []
    var groups: [[Key]: [Row]] = [:]
    for row in rows {
      let key = others(row)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(row)
    }
    var table = MeasurementTable(
      recipe: recipe, keys: kept.map { keys[$0] },
      values: ["n"] + values.flatMap { [$0, $0 + "_low", $0 + "_high"] })
    table.rows = order.map { key in
      let group = groups[key] ?? []
      let intervals = values.indices.map { index in
        bootstrap.interval(of: group.map { $0.values[index] })
      }
      var row = Row(
        keys: key,
        values: [Double(group.count)] + intervals.flatMap { [$0.estimate, $0.lower, $0.upper] })
      row.recipe = group.first?.recipe
      return row
    }
    return table
  }

  /// The table as RFC 4180 has it, the recipe its last column; numbers have the fewest digits that
  /// read back to the same value.
  package var csv: String {
    let lines = rows.map {
      $0.keys.map(\.description) + $0.values.map { CSV.number($0) } + [$0.recipe ?? recipe]
    }
    return ([keys + values + ["recipe"]] + lines).map(CSV.line).joined()
  }
}
