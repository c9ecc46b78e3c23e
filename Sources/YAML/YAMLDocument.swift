package import TensorEngine
private import Yams

// Unsafe: a mapped file lends its bytes by address for the copy of its text.

/// Reads YAML from an untrusted source as the JSON value that it stands for.
package enum YAMLDocument {
  /// The largest document that is read, in bytes.
  private static let sizeLimit = 1 << 20
  /// The most values that a document may hold, with those that its aliases repeat.
  private static let valueLimit = 10_000

  /// Reads the file at `path`, whose document must be a mapping with texts for keys.
  /// - Throws: ``FileError`` with the line and what is wrong there.
  package static func read(path: String) throws -> JSONNode {
    let file = try MappedFile(path: path)
    guard file.count <= sizeLimit else {
      throw FileError(
        .malformed, path: path,
        reason: "expected a YAML document of at most \(sizeLimit) bytes, got \(file.count)")
    }
    let text = unsafe file.withBytes { unsafe String(validating: $0, as: UTF8.self) }
    guard let text else { throw FileError(.malformed, path: path, reason: "expected UTF-8") }
    do {
      guard let root = try compose(yaml: text) else {
        throw FileError(.malformed, path: path, reason: "expected a YAML mapping, got nothing")
      }
      var count = 0
      let value = try value(root, path: path, count: &count)
      guard case .object = value else {
        throw FileError(
          .malformed, path: path, reason: "expected a YAML mapping, got \(value.kindName)")
      }
      return JSONNode(value, file: path)
    } catch let error as YamlError {
      let line = error.description.split(separator: "\n").first ?? ""
      throw FileError(
        .malformed, path: path,
        reason: "expected YAML, got "
          + FileError.printable(String(line)))
    }
  }

  private static func value(_ node: Node, path: String, count: inout Int) throws -> JSONValue {
    count += 1
    func failure(_ reason: String) -> FileError {
      let line = node.mark.map { "line \($0.line)" }
      return FileError(.malformed, path: path, subject: line, reason: reason)
    }
    guard count <= valueLimit else { throw failure("expected at most \(valueLimit) values") }
    switch node {
    case .scalar(let scalar):
      guard scalar.style == .plain else { return .string(scalar.string) }
      if node.null != nil { return .null }
      if let bool = node.bool { return .bool(bool) }
      if let integer = node.int { return .integer(integer) }
      if let number = node.float {
        guard number.isFinite else { throw failure("expected a finite number, got \(number)") }
        return .number(number)
      }
      return .string(scalar.string)
    case .sequence(let sequence):
      return .array(try sequence.map { try value($0, path: path, count: &count) })
    case .mapping(let mapping):
      var index = NameIndex()
      var values: [JSONValue] = []
      for (key, member) in mapping {
        guard let name = key.scalar?.string, index.insert(name) else {
          throw failure("expected keys that are texts, each once")
        }
        values.append(try value(member, path: path, count: &count))
      }
      return .object(JSONObject(index: index, values: values))
    case .alias: throw failure("expected no alias here")
    }
  }
}
