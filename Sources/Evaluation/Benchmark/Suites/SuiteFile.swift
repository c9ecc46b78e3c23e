internal import AttentionTrace
private import Foundation
internal import TensorEngine
internal import YAML

/// A file that holds a suite, in any of the forms.
struct SuiteFile {
  private let document: TextDocument

  /// - Throws: `FileError` for what is no file, too large, or not UTF-8.
  init(path: String) throws { document = try TextDocument(path: path) }

  // MARK: - The form

  /// The form that the file's ending tells or, where that leaves several or none, its content.
  /// - Throws: `FileError` where neither does, and for a file that ends with `.json` and is none.
  var format: SuiteFormat {
    get throws {
      switch URL(fileURLWithPath: document.path).pathExtension.lowercased() {
      case "yaml", "yml": return .yaml
      case "jsonl": return firstObject.map(Self.format(ofLine:)) ?? .jsonl
      case "json":
        if firstObject != nil, let format = formatOfJSON { return format }
        let root = try document.root()
        if let format = Self.format(of: root) { return format }
        throw root.failure("expected prompts in a list or an object, got \(root.value.kindName)")
      case "txt": return formatOfJSON ?? formatOfYAML ?? .t2iCompBench
      default:
        if let format = formatOfJSON ?? formatOfYAML { return format }
        throw FileError(
          .malformed, path: document.path,
          reason:
            "expected a suite in JSON or YAML, or a prompt a line in a file that ends with .txt, got "
            + FileError.quoted(firstLine.map { document.text($0.range) } ?? "")
            + ": name its form by --suite-format ("
            + SuiteFormat.allCases.map(\.rawValue).joined(separator: ", ") + ")")
      }
    }
  }

  /// The form of a file of JSON, whole or an object a line; `nil` for another.
  private var formatOfJSON: SuiteFormat? {
    if let root = try? document.root() { return Self.format(of: root) }
    if let firstObject { return Self.format(ofLine: firstObject) }
    // Nothing else begins so: reading it tells what is wrong there.
    return firstLine.map { document.text($0.range).hasPrefix("{\"") } == true ? .jsonl : nil
  }

  /// YAML for a list of prompts, or a mapping that has them; `nil` for another file.
  private var formatOfYAML: SuiteFormat? {
    switch try? yaml().value {
    case .object(let members): members["prompts"] == nil ? nil : .yaml
    case .array(let elements):
      if case .object(let members)? = elements.first, members["prompt"] != nil {
        .yaml
      } else {
        nil
      }
    default: nil
    }
  }

  /// The form of a whole document of JSON; `nil` for one that is neither list nor object.
  private static func format(of root: JSONNode) -> SuiteFormat? {
    switch root.value {
    case .array(let elements):
      // Lists of Heed's own prompts are read as YAML has them.
      guard case .object(let members)? = elements.first else { return .yaml }
      return members["unique_id"] != nil || members["rel_type"] != nil ? .visor : .yaml
    case .object(let members):
      let isOfLists = members.values.allSatisfy { value in
        guard case .array(let elements) = value else { return false }
        return elements.allSatisfy { if case .object = $0 { false } else { true } }
      }
      if members["prompt"] == nil, members["vqa_list"] == nil, members["include"] == nil {
        if isOfLists, members.count > 0 { return .attendAndExcite }
        if members["prompts"] != nil || members["name"] != nil { return .yaml }
      }
      return format(ofLine: members)
    default: return nil
    }
  }

  /// The form of lines of JSON, of which one has these members.
  private static func format(ofLine members: JSONObject) -> SuiteFormat {
    if members["vqa_list"] != nil { return .genEval2 }
    return members["include"] != nil || members["tag"] != nil ? .genEval : .jsonl
  }

  /// The first line that is neither blank nor a comment of YAML.
  private var firstLine: TextDocument.Line? {
    document.lines.first { ![nil, UInt8(ascii: "#")].contains(document.firstByte($0.range)) }
  }

  /// The object that the first line is; `nil` if it is none.
  private var firstObject: JSONObject? {
    guard let firstLine, case .object(let members)? = try? document.json(firstLine.range) else {
      return nil
    }
    return members
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
    let root = try yaml()
    if case .array = root.value {
      for node in try root.elements() { try draft.add(SuiteLine.prompt(node), at: node) }
      return nil
    }
    let keys = ["name", "prompts"]
    guard case .object(let members) = root.value else {
      throw root.failure(
        "expected a list of prompts, or a mapping with name and prompts, got "
          + root.value.kindName)
    }
    for key in members.keys where !keys.contains(key) {
      throw root.failure(
        "expected keys among name, prompts, got \(FileError.quoted(key))"
          + Suggestion.question(key, among: keys))
    }
    for node in try root.member("prompts").elements() {
      try draft.add(SuiteLine.prompt(node), at: node)
    }
    return try root.optionalMember("name")?.string()
  }

  /// The document's value as YAML.
  private func yaml() throws -> JSONNode {
    // Most JSON is YAML, but not where it writes a character as two surrogates.
    if let json = try? StrictJSON.parse(document.bytes, file: document.path) {
      return JSONNode(json, file: document.path)
    }
    return try YAMLDocument.value(
      path: document.path,
      limits: .atLeast(bytes: 16 << 20, values: 20 * SuiteDraft.promptLimit))
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
