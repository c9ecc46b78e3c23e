internal import TensorEngine

/// Results as the benchmarks' own scripts write them.
enum ToolResults {
  /// What a document says of each picture, in its order.
  /// - Throws: `FileError` with the line or key and what is wrong there.
  static func read(_ document: TextDocument, _ form: ResultsForm) throws -> [ImportedResult] {
    switch form {
    case .attendAndExciteCLIP:
      try attendAndExcite(document) { entry, count in
        let full = try numbers(entry.member("full_text"), count: count)
        let first = try numbers(entry.member("first_half"), count: count)
        let second = try numbers(entry.member("second_half"), count: count)
        return (0..<count).map { index in
          (
            [
              "full": full[index], "first": first[index], "second": second[index],
              "minimum": min(first[index], second[index]),
            ], nil
          )
        }
      }
    case .attendAndExciteBLIP:
      try attendAndExcite(document) { entry, count in
        let captions = try entry.member("captions")
        let texts = try captions.strings()
        guard texts.count == count else {
          throw captions.failure(
            "expected \(count), one for each of image_names, got \(texts.count)")
        }
        let scores = try numbers(entry.member("text_similarities"), count: count)
        return (0..<count).map { (["text-text": scores[$0]], texts[$0]) }
      }
    case .t2iCompBench: try t2iCompBench(document)
    case .genEval: try genEval(document)
    case .genEval2: try genEval2(document)
    case .tifa: try tifa(document)
    case .visor: try visor(document)
    case .dsg: try DSGAnswers.read(document)
    case .table: try ResultsTable.read(document).results
    }
  }

  /// Lists by prompt, each with an entry for each of `image_names`.
  private static func attendAndExcite(
    _ document: TextDocument,
    _ read: (JSONNode, Int) throws -> [(values: [String: Double], caption: String?)]
  ) throws -> [ImportedResult] {
    let root = try document.root()
    return try root.object().keys.flatMap { prompt in
      let entry = try root.member(prompt)
      let names = try entry.member("image_names").elements()
      return try zip(names, read(entry, names.count)).map { name, result in
        ImportedResult(
          name: .key("\(prompt)/\(try name.string())", method: nil), node: name,
          values: result.values, caption: result.caption)
      }
    }
  }

  private static func numbers(_ node: JSONNode, count: Int) throws -> [Double] {
    let numbers = try node.elements().map { try $0.double() }
    guard numbers.count == count else {
      throw node.failure("expected \(count), one for each of image_names, got \(numbers.count)")
    }
    return numbers
  }

  /// Scores by a picture's number; some of the tools write them as texts.
  private static func t2iCompBench(_ document: TextDocument) throws -> [ImportedResult] {
    try document.root().elements().map { entry in
      let answer = try entry.member("answer")
      let value: Double
      if case .string(let text) = answer.value {
        guard let number = Double(text), number.isFinite else {
          throw answer.failure("expected a number, got \(answer.value.kindName)")
        }
        value = number
      } else {
        value = try answer.double()
      }
      return ImportedResult(
        name: .key("\(try entry.member("question_id").integer())", method: nil), node: entry,
        values: ["score": value])
    }
  }

  /// A line a picture: whether all that was asked for is there, and the boxes of what was found.
  private static func genEval(_ document: TextDocument) throws -> [ImportedResult] {
    var results: [ImportedResult] = []
    try document.eachValue { entry, _ in
      let file = try entry.member("filename")
      let parts = try file.string().split(separator: "/")
      guard parts.count >= 3 else {
        throw file.failure(
          "expected a path like …/00000/samples/00000.png, got \(file.value.kindName)")
      }
      let details = try entry.member("details")
      results.append(
        ImportedResult(
          name: .key(parts.suffix(3).joined(separator: "/"), method: nil), node: entry,
          values: ["correct": try entry.member("correct").bool() ? 1 : 0],
          boxes: try boxes(details)))
    }
    return results
  }

  /// Boxes by class, as a document within a text.
  private static func boxes(_ details: JSONNode) throws -> [ImportedResult.Box] {
    let value: JSONValue
    do {
      value = try StrictJSON.parse(Array(try details.string().utf8), file: details.file)
    } catch let error as FileError {
      throw details.failure(
        error.offset == nil ? error.reason : "expected boxes by class as JSON: \(error.reason)")
    }
    let root = JSONNode(value, file: details.file, place: details.place)
    return try root.object().keys.flatMap { name in
      try root.member(name).elements().map { node in
        let numbers = try node.elements().map { try $0.double() }
        guard numbers.count == 5 else {
          throw node.failure("expected left, top, right, bottom and score, got \(numbers.count)")
        }
        return ImportedResult.Box(name: name, corners: Array(numbers[..<4]), score: numbers[4])
      }
    }
  }

  /// A list for each picture, a number for each question.
  private static func genEval2(_ document: TextDocument) throws -> [ImportedResult] {
    try document.root().elements().enumerated().map { index, entry in
      let answers = try entry.elements().map { node in
        let number = try node.double()
        guard (0...1).contains(number) else {
          throw node.failure("expected a number of 0 to 1, got \(node.value.text)")
        }
        return number
      }
      return ImportedResult(name: .key("\(index)", method: nil), node: entry, answers: answers)
    }
  }

  /// Scores by caption.
  private static func tifa(_ document: TextDocument) throws -> [ImportedResult] {
    let scores = try document.root().member("caption_scores")
    return try scores.object().keys.map { id in
      let score = try scores.member(id)
      return ImportedResult(
        name: .key(id, method: nil), node: score, values: ["score": try score.double()])
    }
  }

  /// How many objects were found, and whether they stand as asked for, by picture.
  private static func visor(_ document: TextDocument) throws -> [ImportedResult] {
    let root = try document.root()
    return try root.object().keys.map { key in
      let entry = try root.member(key)
      let recall = try entry.member("recall")
      guard try (0...2).contains(recall.integer()) else {
        throw recall.failure("expected 0 to 2 objects, got \(recall.value.text)")
      }
      var values = ["recall": Double(try recall.integer())]
      if let relation = try entry.optionalMember("sra") {
        guard try (0...1).contains(relation.integer()) else {
          throw relation.failure("expected 0 or 1, got \(relation.value.text)")
        }
        values["sra"] = Double(try relation.integer())
      }
      return ImportedResult(name: .key(key, method: nil), node: entry, values: values)
    }
  }
}
