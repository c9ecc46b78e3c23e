internal import AttentionTrace
internal import TensorEngine

/// A prompt of a suite as a line of JSON: its keys in one order, those that say nothing left out.
enum SuiteLine {
  static let keys = ["id", "prompt", "subset", "subjects", "attributes", "relations", "phrases"]

  /// Reads the prompt that an object describes.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func prompt(_ node: JSONNode) throws -> SuitePrompt {
    for key in try node.object().keys where !keys.contains(key) {
      let meant = Suggestion.nearest(to: key, among: keys).map { "; did you mean \($0)?" }
      throw node.failure(
        "expected keys among \(keys.joined(separator: ", ")), got \(FileError.quoted(key))"
          + (meant ?? ""))
    }
    let prompt = try node.member("prompt").string()
    let attributes = try node.optionalMember("attributes")
    let phrases = try node.optionalMember("phrases")?.strings() ?? []
    return SuitePrompt(
      id: try node.optionalMember("id")?.string() ?? RunFolder.slug(prompt), prompt: prompt,
      subset: try node.optionalMember("subset")?.string(),
      subjects: try node.optionalMember("subjects")?.strings() ?? [],
      attributes: try attributes.map { attributes in
        let names = try attributes.object().keys
        return try Dictionary(
          uniqueKeysWithValues: names.map { ($0, try attributes.member($0).string()) })
      } ?? [:],
      relations: try node.optionalMember("relations")?.elements().map(relation) ?? [],
      phrases: phrases.isEmpty ? nil : phrases)
  }

  private static func relation(_ node: JSONNode) throws -> SuitePrompt.Relation {
    let parts = try node.strings()
    guard parts.count == 3 else {
      throw node.failure(
        "expected a subject, a place and a subject, as in [\"bear\", \"left of\", \"car\"], got "
          + "\(parts.count) texts")
    }
    return SuitePrompt.Relation(parts[0], parts[1], parts[2])
  }

  /// The line of a prompt, without its end.
  static func text(_ prompt: SuitePrompt) -> String {
    var members = [
      "\"id\": \(JSONText.quoted(prompt.id))", "\"prompt\": \(JSONText.quoted(prompt.prompt))",
    ]
    if let subset = prompt.subset { members.append("\"subset\": \(JSONText.quoted(subset))") }
    func add(_ key: String, _ values: [String], _ brackets: (String, String) = ("[", "]")) {
      guard !values.isEmpty else { return }
      members.append("\"\(key)\": \(brackets.0)\(values.joined(separator: ", "))\(brackets.1)")
    }
    add("subjects", prompt.subjects.map(JSONText.quoted))
    let attributes = prompt.subjects.compactMap { subject in
      prompt.attributes[subject].map { "\(JSONText.quoted(subject)): \(JSONText.quoted($0))" }
    }
    add("attributes", attributes, ("{", "}"))
    let relations = prompt.relations.map { JSONText.list([$0.subject, $0.place, $0.other]) }
    add("relations", relations)
    add("phrases", (prompt.phrases ?? []).map(JSONText.quoted))
    return "{\(members.joined(separator: ", "))}"
  }
}
