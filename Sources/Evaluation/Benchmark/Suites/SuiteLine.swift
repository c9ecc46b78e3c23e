internal import AttentionTrace
internal import TensorEngine

/// A prompt of a suite as a line of JSON: its keys in one order, those that say nothing left out.
enum SuiteLine {
  static let keys = ["id", "prompt", "subset", "subjects", "attributes", "relations", "phrases"]

  /// Reads the prompt that an object describes.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func prompt(_ node: JSONNode) throws -> SuitePrompt {
    for key in try node.object().keys where !keys.contains(key) {
      throw node.failure(
        "expected keys among \(keys.joined(separator: ", ")), got \(FileError.quoted(key))"
          + Suggestion.question(key, among: keys))
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
      (key: "id", value: JSONText.string(prompt.id)),
      (key: "prompt", value: JSONText.string(prompt.prompt)),
    ]
    if let subset = prompt.subset { members.append(("subset", JSONText.string(subset))) }
    func add(_ key: String, _ values: [String]) {
      if !values.isEmpty { members.append((key, JSONText.array(values))) }
    }
    add("subjects", prompt.subjects.map(JSONText.string))
    let attributes = prompt.subjects.compactMap { subject in
      prompt.attributes[subject].map { (key: subject, value: JSONText.string($0)) }
    }
    if !attributes.isEmpty { members.append(("attributes", JSONText.object(attributes))) }
    add(
      "relations",
      prompt.relations.map { relation in
        JSONText.array([relation.subject, relation.place, relation.other].map(JSONText.string))
      })
    add("phrases", (prompt.phrases ?? []).map(JSONText.string))
    return JSONText.object(members)
  }
}
