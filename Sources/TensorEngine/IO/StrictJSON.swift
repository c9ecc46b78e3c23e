// Unsafe: a scanner reads bytes by address, which the file or the array lends.

/// Reads whole JSON documents from an untrusted source: configurations and tokenizers.
package enum StrictJSON {
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
    try unsafe checkCount(of: bytes, file: file)
    return try unsafe Self.value(of: bytes, from: 0, file: file, depthLimit: depthLimit)
  }

  /// The value that the bytes from `start` on are.
  private static func value(
    of bytes: UnsafeRawBufferPointer, from start: Int, file: String, depthLimit: Int
  ) throws -> JSONValue {
    var scanner = unsafe JSONScanner(
      UnsafeRawBufferPointer(rebasing: bytes[start...]), file: file, origin: start,
      depthLimit: depthLimit)
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

  /// Refuses bytes that are no document: readers of Foundation take keys that are there twice, one the
  /// first of them and one the last, and lists that end with a comma.
  /// - Throws: ``FileError`` with the byte, and without a path.
  package static func check(_ bytes: [UInt8]) throws { _ = try parse(bytes, file: "") }

  /// Refuses a document of more values than ``FileLimit/values`` before any of them takes memory.
  private static func checkCount(of bytes: UnsafeRawBufferPointer, file: String) throws {
    let limit = FileLimit.values.value
    // A value and what parts it from the next are two bytes or more.
    guard bytes.count / 2 > limit else { return }
    var census = JSONCensus()
    unsafe census.read(bytes)
    guard census.values <= limit else {
      throw FileError(
        .malformed, path: file,
        reason: "expected a JSON document of at most \(limit) values, got \(census.values)"
          + FileLimit.values.advice)
    }
  }

  /// Opens the file at `path`, unless it has more bytes than ``FileLimit/document`` or more values than
  /// ``FileLimit/values``.
  /// - Throws: ``FileError``.
  package static func open(path: String) throws -> MappedFile {
    let file = try MappedFile(path: path)
    try FileLimit.document.require(file, as: "a JSON document")
    try unsafe file.withBytes { try unsafe checkCount(of: $0, file: path) }
    return file
  }

  /// Parses the file at `path`; a byte order mark, which some editors write, is passed over.
  /// - Throws: ``FileError``.
  package static func read(path: String, depthLimit: Int = 32) throws -> JSONNode {
    try read(open(path: path), depthLimit: depthLimit)
  }

  /// Parses a file that is open.
  /// - Throws: ``FileError``.
  package static func read(_ file: MappedFile, depthLimit: Int = 32) throws -> JSONNode {
    let value = try unsafe file.withBytes {
      let start = unsafe $0.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      return try unsafe Self.value(of: $0, from: start, file: file.path, depthLimit: depthLimit)
    }
    return JSONNode(value, file: file.path)
  }
}
