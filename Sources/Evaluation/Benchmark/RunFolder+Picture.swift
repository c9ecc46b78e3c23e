package import AttentionTrace
package import TensorEngine

// Unsafe: a mapped file lends its first bytes.

extension RunFolder {
  /// Opens the run's picture, which a stranger may have put there.
  /// - Throws: `FileError` for one that is not there, a symbolic link, and what does not begin as a PNG does.
  package func openPicture() throws -> MappedFile {
    let file = try MappedFile(path: image, within: path)
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    guard unsafe file.withBytes({ unsafe $0.starts(with: signature) }) else {
      throw FileError(
        .malformed, path: image, offset: 0,
        reason: "expected a PNG, got something else; make the run again")
    }
    return file
  }
}
