internal import TensorEngine

/// What GenEval 2's `evaluation.py` reads: its data, and a map of prompts to pictures, one each.
enum GenEval2Layout {
  static func plan(_ pictures: SuitePictures, metadata: String) throws -> LayoutPlan {
    let document = try TextDocument(path: metadata)
    var lines: [String: (text: String, questions: Int, number: Int)] = [:]
    try document.eachValue { node, line in
      let prompt = try node.member("prompt").string()
      guard lines[prompt] == nil else {
        throw node.failure("expected each prompt once, got \(FileError.quoted(prompt)) again")
      }
      let questions = try node.member("vqa_list").elements().count
      lines[prompt] = (document.text(line.range), questions, line.number)
    }
    var entries = try pictures.prompts.map { prompt, pictures in
      guard let line = lines[prompt.prompt] else {
        throw FileError(
          .malformed, path: metadata,
          reason: "expected a line for each prompt, got none for \(FileError.quoted(prompt.prompt))"
        )
      }
      return (prompt: prompt, picture: pictures[0], line: line)
    }
    // The results are a list in the order of the data.
    entries.sort { $0.line.number < $1.line.number }
    var plan = LayoutPlan()
    for (index, entry) in entries.enumerated() {
      if index > 0, entries[index - 1].line.number == entry.line.number {
        throw EvaluationError.benchmark(
          path: pictures.folder.suite,
          reason:
            "GenEval 2 finds a picture by its prompt, and \(entries[index - 1].prompt.id) and "
            + "\(entry.prompt.id) have the same")
      }
      plan.pictures.append(
        LayoutPlan.PlacedPicture(
          picture: entry.picture, place: ["images", entry.prompt.id + ".png"], key: "\(index)",
          questions: entry.line.questions))
    }
    plan.texts = [
      (["geneval2_data.jsonl"], entries.map { $0.line.text + "\n" }.joined()),
      (
        ["image_filepaths.json"],
        JSONText.lines(
          entries.map { ($0.prompt.prompt, JSONText.string("images/\($0.prompt.id).png")) })
      ),
    ]
    plan.notes.append(
      "GenEval 2 looks for pictures from the folder that it is started in: start it in the export")
    return plan
  }
}
