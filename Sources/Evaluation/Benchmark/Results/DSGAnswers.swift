internal import TensorEngine

/// Answers to DSG's questions, a row each, and the score of a picture by them (`dsg/vqa_utils.py`): the share of
/// questions answered "yes", those not counted of which a parent was answered "no".
enum DSGAnswers {
  private struct Answer {
    let isYes: Bool
    let parents: [Int]
    let row: CSVTable.Row
  }

  static func read(_ document: TextDocument) throws -> [ImportedResult] {
    let table = try CSVTable(document)
    let item = try table.column("item_id")
    let model = try table.column("t2i_model")
    let question = try table.column("question_id")
    let dependency = try table.column("dependency_id")
    let answer = try table.column("answer")
    var order: [[String]] = []
    var answers: [[String]: [Int: Answer]] = [:]
    for row in table.rows {
      let fields = row.fields
      guard let number = Int(fields[question]), number >= 1 else {
        throw table.failure(
          row, "expected a question's number from 1, got \(FileError.quoted(fields[question]))")
      }
      guard ["yes", "no"].contains(fields[answer]) else {
        throw table.failure(row, "expected yes or no, got \(FileError.quoted(fields[answer]))")
      }
      let parents = try fields[dependency].split(separator: ",").map { part in
        guard let parent = Int(part.filter { $0 != " " }), parent >= 0 else {
          throw table.failure(
            row, "expected numbers of questions, got \(FileError.quoted(fields[dependency]))")
        }
        return parent
      }
      let picture = [fields[item], fields[model]]
      if answers[picture] == nil { order.append(picture) }
      guard answers[picture]?[number] == nil else {
        throw table.failure(
          row, "expected each answer once, got question \(number) of \(fields[item]) again")
      }
      answers[picture, default: [:]][number] = Answer(
        isYes: fields[answer] == "yes", parents: parents.filter { $0 != 0 }, row: row)
    }
    return try order.compactMap { picture in
      try answers[picture].map { try result(picture, $0, in: table) }
    }
  }

  private static func result(
    _ picture: [String], _ answers: [Int: Answer], in table: CSVTable
  ) throws -> ImportedResult {
    let numbers = answers.keys.sorted()
    let scores = try numbers.map { number in
      guard let answer = answers[number] else { return 0.0 }
      for parent in answer.parents where answers[parent] == nil {
        throw table.failure(
          answer.row,
          "expected an answer to question \(parent) too, on which question \(number) depends")
      }
      let isAsked = answer.parents.allSatisfy { answers[$0]?.isYes ?? false }
      return answer.isYes && isAsked ? 1.0 : 0.0
    }
    let count = Double(numbers.count)
    let bare = Double(answers.values.count { $0.isYes }) / count
    let line = answers.values.map(\.row.line).min() ?? 0
    return ImportedResult(
      name: .key(picture[0], method: picture[1]),
      node: JSONNode(.null, file: table.path, place: "line \(line)"),
      values: ["score": scores.reduce(0, +) / count, "without_dependency": bare], answers: scores)
  }
}
