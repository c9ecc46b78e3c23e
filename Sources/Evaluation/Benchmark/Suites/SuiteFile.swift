internal import AttentionTrace
internal import TensorEngine
internal import YAML

/// A file that holds a suite, in any of the forms.
struct SuiteFile {
  private let document: TextDocument

  /// - Throws: `FileError` for what is no file, too large, or not UTF-8.
  init(path: String) throws { document = try TextDocument(path: path) }

  // MARK: - The form

  /// The form that the content tells; of what is none of them, the nearest.
  var format: SuiteFormat {
    let first = document.lines.first {
      ![nil, UInt8(ascii: "#")].contains(document.firstByte($0.range))
    }
    guard let first else { return .t2iCompBench }
    switch document.firstByte(first.range) {
    case UInt8(ascii: "["):
      // YAML reads JSON too.
      let first = try? document.root().elements().first?.optionalMember("prompt")
      return first == nil ? .visor : .yaml
    case UInt8(ascii: "{"):
      guard let value = try? document.json(first.range) else {
        if document.path.hasSuffix(".yaml") || document.path.hasSuffix(".yml") { return .yaml }
        return (try? document.root()) == nil ? .jsonl : .attendAndExcite
      }
      guard case .object(let members) = value else { return .jsonl }
      if members["vqa_list"] != nil { return .genEval2 }
      if members["include"] != nil || members["tag"] != nil { return .genEval }
      let isOfLists = members.values.allSatisfy { if case .array = $0 { true } else { false } }
      return members["prompt"] == nil && isOfLists && members.count > 0 ? .attendAndExcite : .jsonl
    default:
      let text = document.text(first.range)
      let isYAML = ["- ", "name:", "prompts:", "---"].contains { text.hasPrefix($0) }
      return isYAML || text == "-" ? .yaml : .t2iCompBench
    }
  }

  /// The suite's own name, where the file has one, and its prompts.
  /// - Throws: `FileError` with the line or key and what is wrong there.
  func read(_ format: SuiteFormat) throws -> (name: String?, prompts: [SuitePrompt]) {
    if [.jsonl, .genEval, .genEval2, .t2iCompBench].contains(format) { try checkCount() }
    var draft = SuiteDraft()
    var name: String?
    switch format {
    case .jsonl:
      try document.eachValue { node, _ in try draft.add(SuiteLine.prompt(node), at: node) }
    case .yaml: name = try readYAML(into: &draft)
    case .genEval:
      try document.eachValue { node, _ in
        try draft.add(GenEvalPrompt.prompt(node), at: node, repeats: true)
      }
    case .genEval2:
      try document.eachValue { node, _ in
        try draft.add(GenEval2Prompt.prompt(node), at: node, repeats: true)
      }
    case .attendAndExcite: try readLists(into: &draft)
    case .visor: try readVISOR(into: &draft)
    case .t2iCompBench: try readText(into: &draft)
    }
    return (name, draft.prompts)
  }

  /// Refuses a file of a prompt a line that has too many, before any is read.
  private func checkCount() throws {
    let prompts = document.lines.filter { document.firstByte($0.range) != nil }
    guard prompts.count > SuiteDraft.promptLimit else { return }
    throw SuiteDraft.excess(
      at: JSONNode(
        .null, file: document.path, place: "line \(prompts[SuiteDraft.promptLimit].number)"))
  }

  // MARK: - Forms

  private func readYAML(into draft: inout SuiteDraft) throws -> String? {
    let limits = YAMLDocument.Limits.atLeast(
      bytes: 16 << 20, values: 20 * SuiteDraft.promptLimit)
    let root = try YAMLDocument.value(path: document.path, limits: limits)
    if case .array = root.value {
      for node in try root.elements() { try draft.add(SuiteLine.prompt(node), at: node) }
      return nil
    }
    let keys = ["name", "prompts"]
    for key in try root.object().keys where !keys.contains(key) {
      throw root.failure(
        "expected keys among name, prompts, got \(FileError.quoted(key))"
          + Suggestion.question(key, among: keys))
    }
    for node in try root.member("prompts").elements() {
      try draft.add(SuiteLine.prompt(node), at: node)
    }
    return try root.optionalMember("name")?.string()
  }

  /// Prompts by subset; the phrases are what the authors' scripts score one by one.
  private func readLists(into draft: inout SuiteDraft) throws {
    let root = try document.root()
    for subset in try root.object().keys {
      for node in try root.member(subset).elements() {
        let prompt = try node.string()
        let parts = AttendAndExcitePrompt.parts(of: prompt)
        try draft.add(
          SuitePrompt(
            id: RunFolder.slug(prompt), prompt: prompt,
            subset: subset.replacing("_", with: "-"), phrases: parts),
          at: node, repeats: true)
      }
    }
  }

  private func readVISOR(into draft: inout SuiteDraft) throws {
    let root = try document.root()
    for (index, node) in try root.elements().enumerated() {
      try draft.add(VISORPrompt.prompt(node, index: index), at: node, repeats: true)
    }
  }

  /// A prompt a line, up to a tab; the category is the beginning of the file's name.
  private func readText(into draft: inout SuiteDraft) throws {
    let category = T2ICompBenchPrompt.category(ofFile: document.path)
    for line in document.lines where document.firstByte(line.range) != nil {
      let end = document.bytes[line.range].firstIndex(of: UInt8(ascii: "\t"))
      let prompt = document.text(line.range.lowerBound..<(end ?? line.range.upperBound))
      let node = JSONNode(.string(prompt), file: document.path, place: "line \(line.number)")
      try draft.add(
        SuitePrompt(id: RunFolder.slug(prompt), prompt: prompt, subset: category), at: node,
        repeats: true)
    }
  }
}
