internal import TensorEngine

/// Reads a table of `relation`, `head` and `dependent`.
struct DependencyTable {
  private static let columns = ["relation", "head", "dependent"]

  let separator: Unicode.Scalar

  /// The relations of `lines`, without comments, empty lines and the line of the columns' names.
  func relations(in lines: some Sequence<NumberedLine>) throws -> [WordRelation] {
    var relations: [WordRelation] = []
    var isFirst = true
    for line in lines where !line.isBlank && !line.isComment {
      let fields = try line.quotedFields(separatedBy: separator)
      defer { isFirst = false }
      if isFirst, try isHeader(fields, line) { continue }
      relations.append(try relation(fields, line))
    }
    return relations
  }

  /// Whether `fields` are the columns' names; in another order they are an error, since they would be
  /// taken for a relation.
  private func isHeader(_ fields: [String], _ line: NumberedLine) throws -> Bool {
    let names = fields.map { $0.lowercased() }
    if names == Self.columns { return true }
    guard Set(names) == Set(Self.columns) else { return false }
    throw line.failure(
      "expected the columns relation, head, dependent in this order, got "
        + names.joined(separator: ", "))
  }

  private func relation(_ fields: [String], _ line: NumberedLine) throws -> WordRelation {
    guard fields.count == Self.columns.count else {
      throw line.failure(
        "expected relation, head and dependent between \(separator == "\t" ? "tabs" : "commas") "
          + "(or CoNLL-U's \(CoNLLUReader.width) columns between tabs), got "
          + (fields.count == 1 ? "1 column" : "\(fields.count) columns"))
    }
    for (name, field) in zip(Self.columns, fields) where field.isEmpty {
      throw line.failure("expected a \(name), got nothing")
    }
    return WordRelation(relation: fields[0], head: fields[1], dependent: fields[2])
  }
}
