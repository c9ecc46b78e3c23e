internal import AttentionTrace
private import Foundation
internal import TensorEngine
internal import YAML

// Unsafe: a mapped file's bytes are copied at once; a scanner reads bytes that an array lends it.

/// A file that holds a suite, in any of the forms.
struct SuiteFile {
  /// The largest file, in bytes.
  private static let sizeLimit = 64 << 20

  private let path: String
  private let bytes: [UInt8]

  /// - Throws: `FileError` for what is no file, too large, or not UTF-8.
  init(path: String) throws {
    self.path = path
    let file = try MappedFile(path: path)
    guard file.count <= Self.sizeLimit else {
      throw FileError(
        .malformed, path: path,
        reason: "expected a suite of at most \(Self.sizeLimit) bytes, got \(file.count)")
    }
    var bytes = unsafe file.withBytes { unsafe [UInt8]($0) }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    self.bytes = bytes
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let line = lines.first { String(validating: bytes[$0.range], as: UTF8.self) == nil }
      throw FileError(
        .malformed, path: path, subject: line.map { "line \($0.number)" },
        reason: "expected text in UTF-8, got other bytes")
    }
  }

  // MARK: - The form

  /// The form that the content tells.
  /// - Throws: `FileError` for JSON that is none of them.
  func format() throws -> SuiteFormat {
    let first = lines.first { !isBlank($0.range) && !isComment($0.range) }
    guard let first, let byte = bytes[first.range].first(where: { !Self.isSpace($0) }) else {
      return .t2iCompBench
    }
    switch byte {
    case UInt8(ascii: "["): return .visor
    case UInt8(ascii: "{"):
      guard let object = try? json(first.range) else {
        // An object over several lines is JSON of another form, or YAML.
        return (try? json(bytes.indices)) == nil ? .yaml : .attendAndExcite
      }
      guard case .object(let members) = object else { return .jsonl }
      if members["vqa_list"] != nil { return .genEval2 }
      if members["include"] != nil || members["tag"] != nil { return .genEval }
      let isOfLists = members.values.allSatisfy { if case .array = $0 { true } else { false } }
      return members["prompt"] == nil && isOfLists && members.count > 0 ? .attendAndExcite : .jsonl
    default:
      let text = String(decoding: bytes[first.range], as: UTF8.self)
      let isYAML = ["- ", "name:", "prompts:", "---"].contains { text.hasPrefix($0) }
      return isYAML || text == "-" ? .yaml : .t2iCompBench
    }
  }

  /// The suite's own name, where the file has one, and its prompts.
  /// - Throws: `FileError` with the line or key and what is wrong there.
  func read(_ format: SuiteFormat) throws -> (name: String?, prompts: [SuitePrompt]) {
    var draft = SuiteDraft()
    var name: String?
    switch format {
    case .jsonl: try eachLine { try draft.add(SuiteLine.prompt($0), at: $0) }
    case .yaml: name = try readYAML(into: &draft)
    case .genEval: try eachLine { try draft.add(GenEvalPrompt.prompt($0), at: $0, repeats: true) }
    case .genEval2: try eachLine { try draft.add(GenEval2Prompt.prompt($0), at: $0, repeats: true) }
    case .attendAndExcite: try readLists(into: &draft)
    case .visor: try readVISOR(into: &draft)
    case .t2iCompBench: try readText(into: &draft)
    }
    return (name, draft.prompts)
  }

  // MARK: - Forms

  private func readYAML(into draft: inout SuiteDraft) throws -> String? {
    let limits = YAMLDocument.Limits(bytes: 16 << 20, values: 20 * SuiteDraft.promptLimit)
    let root = try YAMLDocument.value(path: path, limits: limits)
    if case .array = root.value {
      for node in try root.elements() { try draft.add(SuiteLine.prompt(node), at: node) }
      return nil
    }
    let keys = ["name", "prompts"]
    for key in try root.object().keys where !keys.contains(key) {
      let meant = Suggestion.nearest(to: key, among: keys).map { "; did you mean \($0)?" }
      throw root.failure(
        "expected keys among name, prompts, got \(FileError.quoted(key))" + (meant ?? ""))
    }
    for node in try root.member("prompts").elements() {
      try draft.add(SuiteLine.prompt(node), at: node)
    }
    return try root.optionalMember("name")?.string()
  }

  /// Prompts by subset; the phrases are what the authors' scripts score one by one.
  private func readLists(into draft: inout SuiteDraft) throws {
    let root = JSONNode(try json(bytes.indices), file: path)
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
    let root = JSONNode(try json(bytes.indices), file: path)
    for (index, node) in try root.elements().enumerated() {
      try draft.add(VISORPrompt.prompt(node, index: index), at: node, repeats: true)
    }
  }

  /// A prompt a line, up to a tab; the category is the beginning of the file's name.
  private func readText(into draft: inout SuiteDraft) throws {
    let category = T2ICompBenchPrompt.category(ofFile: path)
    for line in lines where !isBlank(line.range) {
      let text = bytes[line.range].prefix { $0 != UInt8(ascii: "\t") }
      let prompt = String(decoding: text, as: UTF8.self)
      let node = JSONNode(.string(prompt), file: path, place: "line \(line.number)")
      try draft.add(
        SuitePrompt(id: RunFolder.slug(prompt), prompt: prompt, subset: category), at: node,
        repeats: true)
    }
  }

  // MARK: - Lines

  private struct Line {
    let range: Range<Int>
    let number: Int
  }

  /// The lines without their ends, which a carriage return may precede.
  private var lines: [Line] {
    var lines: [Line] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let stop = end > start && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
      lines.append(Line(range: start..<stop, number: lines.count + 1))
      start = end + 1
    }
    return lines
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0D, 0x0A].contains(byte) }

  private func isBlank(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy(Self.isSpace) }

  private func isComment(_ range: Range<Int>) -> Bool {
    bytes[range].first { !Self.isSpace($0) } == UInt8(ascii: "#")
  }

  private func json(_ range: Range<Int>) throws -> JSONValue {
    try unsafe bytes[range].withUnsafeBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path, origin: range.lowerBound)
      let value = try scanner.value()
      try scanner.end()
      return value
    }
  }

  /// Reads each line that is not blank as an object.
  private func eachLine(_ body: (JSONNode) throws -> Void) throws {
    for line in lines where !isBlank(line.range) {
      let place = "line \(line.number)"
      let value: JSONValue
      do {
        value = try json(line.range)
      } catch let error as FileError {
        throw FileError(
          error.kind, path: path, offset: error.offset, subject: place, reason: error.reason)
      }
      try body(JSONNode(value, file: path, place: place))
    }
  }
}
