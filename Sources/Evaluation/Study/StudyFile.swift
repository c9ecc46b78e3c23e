internal import TensorEngine

/// A JSON file of a study, which says what it is.
enum StudyFile {
  /// Reads the document at `path`, and checks that it is one of this format and version.
  /// - Throws: `FileError`, before anything of a file that is larger than `sizeLimit` bytes is read.
  static func read(
    _ path: String, _ format: String, _ version: Int, sizeLimit: Int
  ) throws -> JSONNode {
    let count = try MappedFile(path: path).count
    guard count <= sizeLimit else {
      throw FileError(
        .malformed, path: path,
        reason: "expected \(format) of at most \(sizeLimit) bytes, got \(count)")
    }
    let node = try StrictJSON.read(path: path)
    guard case .object(let members) = node.value, members["format"] == .string(format) else {
      throw FileError(
        .malformed, path: path, reason: "expected the format \(FileError.quoted(format))")
    }
    guard members["version"] == .integer(version) else {
      let found = try node.member("version")
      throw found.failure("expected \(version), got \(found.value.kindName): made by another Heed")
    }
    return node
  }
}
