package import TensorEngine

// Unsafe: a mapped file lends its bytes by address for the copy of its text.

/// Reads YAML from an untrusted source as the JSON value that it stands for.
package enum YAMLDocument {
  /// How large a document may be.
  package struct Limits: Sendable {
    /// The largest document that is read, in bytes.
    package let bytes: Int
    /// The most values that a document may hold.
    package let values: Int
    /// How deep lists and mappings may nest.
    package let depth = 32

    /// A megabyte and some ten thousand values, or what `FileLimit.yaml` allows.
    package static var small: Limits { atLeast(bytes: 0, values: 0) }

    /// As many as a large document of a kind needs, or more where `FileLimit.yaml` allows it.
    package static func atLeast(bytes: Int, values: Int) -> Limits {
      let allowed = FileLimit.yaml.value
      return Limits(bytes: max(bytes, allowed), values: max(values, allowed / 100))
    }
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
  ///
  /// A document has no aliases: what they repeat can be as large as one likes. Tags are passed over.
  /// - Throws: ``FileError`` with the line and what is wrong there.
  package static func value(path: String, limits: Limits = .small) throws -> JSONNode {
    let file = try MappedFile(path: path)
    try FileLimit.yaml.require(file, as: "a YAML document", atMost: limits.bytes)
    var bytes = unsafe file.withBytes { unsafe [UInt8]($0) }
    // A byte order mark, which some editors write.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw FileError(.malformed, path: path, reason: "expected a YAML document in UTF-8")
    }
    // libyaml compares each `%TAG` with all before it. These bytes end lines in YAML 1.1, some with others.
    for place in bytes.indices
    where bytes[place] == UInt8(ascii: "%") && bytes[place...].starts(with: "%TAG".utf8)
      && (place == 0 || [0x0A, 0x0D, 0x85, 0xA8, 0xA9].contains(bytes[place - 1]))
    {
      throw FileError(
        .malformed, path: path, offset: place,
        reason: "expected no directive but %YAML, got %TAG: write tags in full")
    }
    var reader = YAMLReader(path: path, limits: limits)
    return JSONNode(try reader.document(bytes), file: path)
  }
}
