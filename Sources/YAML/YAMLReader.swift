private import CYaml
internal import TensorEngine
private import Yams

// Unsafe: libyaml reads bytes by address, of an array that is lent for as long as its parser lives, and lends
// the texts of an event, which are copied before the event is deleted.

/// Makes values of what libyaml finds in a document, one after the other.
///
/// Yams' own reader makes a tree of the whole document first, with what aliases repeat, and compares the keys
/// of a mapping by all that they hold: a few lines can take hours. Here every value is counted as it comes.
struct YAMLReader {
  let path: String
  let limits: YAMLDocument.Limits
  private var count = 0
  private var depth = 0

  init(path: String, limits: YAMLDocument.Limits) { (self.path, self.limits) = (path, limits) }

  /// The value of the only document in a text.
  /// - Throws: `FileError` with the line and what is wrong there.
  mutating func document(_ bytes: [UInt8]) throws -> JSONValue {
    try unsafe bytes.withUnsafeBufferPointer { buffer in
      var parser = unsafe yaml_parser_t()
      guard unsafe yaml_parser_initialize(&parser) == 1 else {
        throw failure(nil, "there is no memory to read it in")
      }
      defer { unsafe yaml_parser_delete(&parser) }
      unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      unsafe yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
      _ = try unsafe next(&parser)  // the stream's beginning
      guard case .documentStart = try unsafe next(&parser).kind else {
        throw failure(nil, "expected a YAML mapping, got nothing")
      }
      let value = try unsafe value(next(&parser), &parser)
      _ = try unsafe next(&parser)  // the document's end
      let rest = try unsafe next(&parser)
      guard case .streamEnd = rest.kind else {
        throw failure(rest.line, "expected one YAML document, got a second")
      }
      return value
    }
  }

  // MARK: - Values

  private mutating func value(_ event: Event, _ parser: inout yaml_parser_t) throws -> JSONValue {
    count += 1
    guard count <= limits.values else {
      throw failure(event.line, "expected at most \(limits.values) values" + FileLimit.yaml.advice)
    }
    switch event.kind {
    case .scalar(let text, let isPlain):
      guard isPlain else { return .string(text) }
      return try Self.value(ofPlain: text)
        ?? {
          throw failure(event.line, "expected a finite number, got \(FileError.quoted(text))")
        }()
    case .sequenceStart:
      try enter(event)
      defer { depth -= 1 }
      var values: [JSONValue] = []
      while true {
        let element = try unsafe next(&parser)
        if case .end = element.kind { return .array(values) }
        values.append(try unsafe value(element, &parser))
      }
    case .mappingStart:
      try enter(event)
      defer { depth -= 1 }
      var index = NameIndex()
      var values: [JSONValue] = []
      while true {
        let key = try unsafe next(&parser)
        if case .end = key.kind { return .object(JSONObject(index: index, values: values)) }
        guard case .scalar(let name, _) = key.kind else {
          throw failure(key.line, "expected a text for a key, got \(key.name)")
        }
        guard index.insert(name) else {
          throw failure(key.line, "expected each key once, got \(FileError.quoted(name)) again")
        }
        values.append(try unsafe value(next(&parser), &parser))
      }
    case .alias(let name):
      throw failure(
        event.line,
        "expected no aliases, got *\(FileError.printable(name)): write out what it repeats")
    case .documentStart, .streamEnd, .end, .other:
      throw failure(event.line, "expected a value, got \(event.name)")
    }
  }

  private mutating func enter(_ event: Event) throws {
    guard depth < limits.depth else { throw tooDeep(event.line) }
    depth += 1
  }

  private func tooDeep(_ line: Int) -> FileError {
    failure(line, "expected lists and mappings in at most \(limits.depth) levels")
  }

  /// What a text without quotes stands for; `nil` for an infinite number and for none.
  private static func value(ofPlain text: String) -> JSONValue? {
    // Words and whole numbers are most of every document, and Yams takes its time over them.
    switch text.utf8.first ?? 0 {
    case UInt8(ascii: "1")...UInt8(ascii: "9"):
      if let integer = Int(text) { return .integer(integer) }
    case let letter where letter > 0x40 && !"TtFfYyNnOo~_".utf8.contains(letter):
      return .string(text)
    default: break
    }
    let node = Node(text, .implicit, .plain)
    if node.null != nil { return .null }
    if let bool = node.bool { return .bool(bool) }
    // YAML 1.1 reads 1:30 as ninety, and Yams ends the process where such a number is too large.
    guard !text.contains(":") else { return .string(text) }
    if let integer = node.int { return .integer(integer) }
    guard let number = node.float else { return .string(text) }
    return number.isFinite ? .number(number) : nil
  }

  // MARK: - Events

  /// What libyaml found.
  private struct Event {
    enum Kind {
      case documentStart, streamEnd, sequenceStart, mappingStart, other
      /// Of a list or a mapping.
      case end
      case alias(String)
      case scalar(String, isPlain: Bool)
    }

    let kind: Kind
    /// From 1.
    let line: Int

    /// For messages.
    var name: String {
      switch kind {
      case .sequenceStart: "a list"
      case .mappingStart: "a mapping"
      case .alias(let name): "the alias *\(FileError.printable(name))"
      case .scalar: "a text"
      case .documentStart, .streamEnd, .end, .other: "nothing"
      }
    }
  }

  private func next(_ parser: inout yaml_parser_t) throws -> Event {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(&parser, &event) == 1 else {
      let said = unsafe [parser.context, parser.problem].compactMap {
        unsafe $0.map { unsafe String(cString: $0) }
      }
      let line = unsafe Int(parser.problem_mark.line) + 1
      // libyaml looks further ahead than the values that are asked for.
      guard !said.contains(where: { $0.contains("nesting level") }) else { throw tooDeep(line) }
      let reason = said.isEmpty ? "something else" : said.joined(separator: ": ")
      throw failure(line, "expected YAML, got \(FileError.printable(reason))")
    }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe Event(kind: Self.kind(event), line: Int(event.start_mark.line) + 1)
  }

  private static func kind(_ event: yaml_event_t) -> Event.Kind {
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_SEQUENCE_START_EVENT: return .sequenceStart
    case YAML_MAPPING_START_EVENT: return .mappingStart
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .end
    case YAML_ALIAS_EVENT: return unsafe .alias(String(cString: event.data.alias.anchor))
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return unsafe .scalar(
        String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    default: return .other
    }
  }

  private func failure(_ line: Int?, _ reason: String) -> FileError {
    FileError(
      .malformed, path: path, subject: line.map { "line \($0)" }, reason: reason)
  }
}
