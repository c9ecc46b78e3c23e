internal import AttentionTrace
internal import TensorEngine

/// A line of GenEval's `evaluation_metadata.jsonl`.
enum GenEvalPrompt {
  /// The prompt with the classes as subjects, in the form that the prompt has them in, their colours, and the
  /// places that they have beside others; the subset is the task.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func prompt(_ node: JSONNode) throws -> SuitePrompt {
    let text = try node.member("prompt").string()
    let words = SubjectWord(in: text)
    let included = try node.member("include").elements()
    let names = try included.map { item in
      let name = try item.member("class").string()
      guard let form = words.form(of: name) else {
        throw item.failure(
          "expected a class that is in the prompt, got \(FileError.quoted(name)), which is not in "
            + FileError.quoted(text))
      }
      return form
    }
    var attributes: [String: String] = [:]
    var relations: [SuitePrompt.Relation] = []
    for (item, name) in zip(included, names) {
      if let color = try item.optionalMember("color") { attributes[name] = try color.string() }
      guard let position = try item.optionalMember("position") else { continue }
      let parts = try position.elements()
      guard parts.count == 2, names.indices.contains(try parts[1].integer()) else {
        throw position.failure(
          "expected a place and the index of a class in include, as in [\"above\", 0]")
      }
      relations.append(
        SuitePrompt.Relation(name, try parts[0].string(), names[try parts[1].integer()]))
    }
    return SuitePrompt(
      id: RunFolder.slug(text), prompt: text, subset: try node.member("tag").string(),
      subjects: words.sorted(names), attributes: attributes, relations: relations)
  }
}
