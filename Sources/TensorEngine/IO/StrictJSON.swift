// Unsafe: a scanner reads bytes by address, which the file or the array lends.

/// Reads whole JSON documents from an untrusted source: configurations and tokenizers.
package enum StrictJSON {
  /// The largest document that is read, in bytes.
  package static let sizeLimit = 256 << 20

  /// Parses one document.
  /// - Parameters:
  ///   - bytes: The document.
  ///   - file: The name of the document in errors.
  ///   - depthLimit: How deep arrays and objects may nest.
  /// - Returns: The document's value.
  /// - Throws: ``FileError`` with the byte and what was expected there.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, file: String, depthLimit: Int = 32
  ) throws -> JSONValue {
    var scanner = unsafe JSONScanner(bytes, file: file, depthLimit: depthLimit)
    let value = try scanner.value()
    try scanner.end()
    return value
  }

  /// Parses one document held in an array.
  /// - Throws: ``FileError`` with the byte and what was expected there.
  package static func parse(
    _ bytes: [UInt8], file: String, depthLimit: Int = 32
  ) throws -> JSONValue {
    try unsafe bytes.withUnsafeBytes { try unsafe parse($0, file: file, depthLimit: depthLimit) }
  }

  /// Parses the file at `path`.
  /// - Throws: ``FileError``.
  package static func read(path: String, depthLimit: Int = 32) throws -> JSONNode {
    let file = try MappedFile(path: path)
    guard file.count <= sizeLimit else {
      throw FileError(
        .malformed, path: path,
        reason: "expected a JSON document of at most \(sizeLimit) bytes, got \(file.count)")
    }
    let value = try unsafe file.withBytes {
      try unsafe parse($0, file: path, depthLimit: depthLimit)
    }
    return JSONNode(value, file: path)
  }
}
