package import TensorEngine
private import Yams

// Unsafe: a mapped file lends its bytes by address for the copy of its text.

/// Reads YAML from an untrusted source as the JSON value that it stands for.
package enum YAMLDocument {
  /// How large a document may be.
  package struct Limits: Sendable {
    /// The largest document that is read, in bytes.
    package let bytes: Int
    /// The most values that a document may hold, with those that its aliases repeat.
    package let values: Int

    package init(bytes: Int, values: Int) { (self.bytes, self.values) = (bytes, values) }

    /// A megabyte, and ten thousand values.
    package static let small = Limits(bytes: 1 << 20, values: 10_000)
  }

  /// Reads the file at `path`, whose document must be a mapping with texts for keys.
  /// - Throws: ``FileError`` with the line and what is wrong there.
  package static func read(path: String) throws -> JSONNode {
    let root = try value(path: path)
    guard case .object = root.value else {
      throw FileError(
        .malformed, path: path, reason: "expected a YAML mapping, got \(root.value.kindName)")
    }
    return root
  }

  /// Reads the file at `path`, whose document may be any value.
  /// - Throws: ``FileError`` with the line and what is wrong there.
  package static func value(path: String, limits: Limits = .small) throws -> JSONNode {
    let file = try MappedFile(path: path)
    guard file.count <= limits.bytes else {
      throw FileError(
        .malformed, path: path,
        reason: "expected a YAML document of at most \(limits.bytes) bytes, got \(file.count)")
    }
    let text = unsafe file.withBytes { unsafe String(validating: $0, as: UTF8.self) }
    guard let text else { throw FileError(.malformed, path: path, reason: "expected UTF-8") }
    do {
      guard let root = try compose(yaml: text) else {
        throw FileError(.malformed, path: path, reason: "expected a YAML mapping, got nothing")
      }
      var reader = Reader(path: path, limit: limits.values)
      return JSONNode(try reader.value(root), file: path)
    } catch let error as YamlError {
      let line = error.description.split(separator: "\n").first ?? ""
      throw FileError(
        .malformed, path: path,
        reason: "expected YAML, got "
          + FileError.printable(String(line)))
    }
  }

  /// Makes values of a document's nodes, and counts them.
  private struct Reader {
    let path: String
    let limit: Int
    private var count = 0

    init(path: String, limit: Int) { (self.path, self.limit) = (path, limit) }

    mutating func value(_ node: Node) throws -> JSONValue {
      count += 1
      let path = path
      func failure(_ reason: String) -> FileError {
        let line = node.mark.map { "line \($0.line)" }
        return FileError(.malformed, path: path, subject: line, reason: reason)
      }
      guard count <= limit else { throw failure("expected at most \(limit) values") }
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
        return .array(try sequence.map { try value($0) })
      case .mapping(let mapping):
        var index = NameIndex()
        var values: [JSONValue] = []
        for (key, member) in mapping {
          guard let name = key.scalar?.string, index.insert(name) else {
            throw failure("expected keys that are texts, each once")
          }
          values.append(try value(member))
        }
        return .object(JSONObject(index: index, values: values))
      case .alias: throw failure("expected no alias here")
      }
    }
  }
}
