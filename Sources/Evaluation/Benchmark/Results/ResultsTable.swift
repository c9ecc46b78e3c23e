internal import TensorEngine

/// A table of scores by any program, as of a language model that judged pictures: CSV, lines of JSON objects, or
/// a list of them.
///
/// A picture is named by its path (`image_path`, `image`, `path`, `file`, `filename` or `picture`), or by `id`,
/// `method` and `seed`. Every other column of numbers, or of yes and no, is a score, but for those whose names say
/// which picture, prompt or row it is, as `seed` beside a path, `index` or `image_id`; `caption` is a caption.
struct ResultsTable {
  /// What each row says of its picture.
  private(set) var results: [ImportedResult] = []
  /// Columns of other texts, which say nothing that a score can hold, and of numbers that name something.
  private(set) var leftOut: [String] = []

  private static let paths = ["image_path", "image", "path", "file", "filename", "picture"]
  private static let run = ["id", "method", "seed"]
  private static let caption = "caption"
  /// Columns that say again what the suite says.
  private static let known = ["prompt", "subset"]
  /// Other columns that name something, though by numbers; the last is what pandas calls a table's own numbers.
  private static let names: Set<String> = ["index", "idx", "row", "", "unnamed: 0"]
  private static let nameEndings = ["_id", "_index", "_idx", "_seed", "_path", "_file", "_name"]

  /// Reads the table that a document is.
  /// - Throws: `FileError` with the line and what is wrong there.
  static func read(_ document: TextDocument) throws -> ResultsTable {
    var rows: [(node: JSONNode, cells: [(column: String, value: JSONValue)])] = []
    switch document.firstByte(document.bytes.indices) {
    case UInt8(ascii: "["):
      for (node, _) in try document.elements() { rows.append((node, cells(try node.object()))) }
    case UInt8(ascii: "{"):
      if let root = try? document.root() {
        rows.append((root, cells(try root.object())))
      } else {
        try document.eachValue { node, _ in
          let cells = cells(try node.object())
          // A line that names no picture is not read on from.
          _ = try name(cells, node)
          rows.append((node, cells))
        }
      }
    default:
      let table = try CSVTable(document)
      rows = table.rows.map { row in
        let node = JSONNode(.null, file: document.path, place: "line \(row.line)")
        return (node, zip(table.columns, row.fields).map { ($0, .string($1)) })
      }
    }
    return try ResultsTable(rows)
  }

  private static func cells(_ object: JSONObject) -> [(column: String, value: JSONValue)] {
    object.map { ($0, $1) }
  }

  private init(_ rows: [(node: JSONNode, cells: [(column: String, value: JSONValue)])]) throws {
    var counts: [String: (numbers: Int, texts: Int)] = [:]
    var order: [String] = []
    for row in rows {
      for (column, value) in row.cells
      where !Self.isNaming(column, in: row.cells) && !Self.isEmpty(value) {
        if counts[column] == nil { order.append(column) }
        if Self.number(value) == nil {
          counts[column, default: (0, 0)].texts += 1
        } else {
          counts[column, default: (0, 0)].numbers += 1
        }
      }
    }
    // A column of texts may have a "no" among them; one of numbers that has a text is damaged.
    let scores = Set(
      counts.filter { $0.value.numbers > $0.value.texts && !Self.isName($0.key) }.keys)
    leftOut = order.filter {
      !scores.contains($0) && $0 != Self.caption && !Self.known.contains($0)
    }
    for row in rows {
      var result = ImportedResult(name: try Self.name(row.cells, row.node), node: row.node)
      for (column, value) in row.cells where !Self.isNaming(column, in: row.cells) {
        if column == Self.caption, case .string(let text) = value {
          result.caption = Self.isEmpty(value) ? nil : text
        } else if scores.contains(column), !Self.isEmpty(value) {
          guard let number = Self.number(value), number.isFinite else {
            throw JSONNode(value, file: row.node.file, place: row.node.place + "." + column)
              .failure("expected a number, as in other rows, got \(value.kindName)")
          }
          result.values[column] = number
        }
      }
      guard !result.values.isEmpty || result.caption != nil else {
        throw row.node.failure("expected a score beside the picture's name, got none")
      }
      results.append(result)
    }
  }

  private static func isEmpty(_ value: JSONValue) -> Bool {
    switch value {
    case .null: true
    case .string(let text): text.allSatisfy(\.isWhitespace)
    default: false
    }
  }

  /// A number, or 1 and 0 for yes and no.
  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let number): return Double(number)
    case .number(let number): return number
    case .bool(let bool): return bool ? 1 : 0
    case .string(let text):
      switch text.lowercased() {
      case "yes", "true": return 1
      case "no", "false": return 0
      default: return Double(text)
      }
    default: return nil
    }
  }

  /// Whether a column's name says that its numbers are no scores.
  private static func isName(_ column: String) -> Bool {
    let column = column.lowercased()
    return (run + paths + known).contains(column) || names.contains(column)
      || nameEndings.contains(where: column.hasSuffix)
  }

  /// Whether a column says which picture a row is about.
  private static func isNaming(
    _ column: String, in cells: [(column: String, value: JSONValue)]
  ) -> Bool {
    let columns = cells.map(\.column)
    if run.allSatisfy(columns.contains) { return run.contains(column) || paths.contains(column) }
    return paths.contains(column)
  }

  private static func name(
    _ cells: [(column: String, value: JSONValue)], _ node: JSONNode
  ) throws -> ImportedResult.Name {
    func text(_ column: String) -> String? {
      switch cells.first(where: { $0.column == column })?.value {
      case .string(let text): text.isEmpty ? nil : text
      case .integer(let number): "\(number)"
      default: nil
      }
    }
    if let id = text("id"), let method = text("method"), let seed = text("seed") {
      guard let number = UInt64(seed) else {
        throw node.failure("expected a seed, got \(FileError.quoted(seed))")
      }
      return .run(id: id, method: method, seed: number)
    }
    guard let path = paths.lazy.compactMap(text).first else {
      throw node.failure(
        "expected the name of a picture: \(paths.joined(separator: ", ")), or id, method and seed")
    }
    return .path(path)
  }
}
