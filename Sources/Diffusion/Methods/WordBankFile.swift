internal import TensorEngine

/// A file of words by its path, and in a resolved method by its hash too.
public struct WordBankFile: Hashable, Sendable {
  /// Where it is.
  public let path: String
  /// SHA-256 of the file, 64 hexadecimal digits; `nil` before it is read.
  public let sha256: String?

  /// A file that is not read yet.
  public init(_ path: String) { (self.path, sha256) = (path, nil) }

  private init(_ path: String, sha256: String) { (self.path, self.sha256) = (path, sha256) }

  private static let mark = " sha256:"

  /// As a knob has it: `words.txt`, or `words.txt sha256:…`.
  init(text: String) {
    let parts = text.split(separator: Self.mark)
    let isHash = parts.last.map { $0.count == 64 && $0.allSatisfy(\.isHexDigit) } ?? false
    guard parts.count > 1, isHash, let hash = parts.last else {
      self.init(text)
      return
    }
    self.init(String(text.dropLast(Self.mark.count + hash.count)), sha256: String(hash))
  }

  /// See ``init(text:)``.
  var text: String { path + (sha256.map { Self.mark + $0 } ?? "") }

  /// The same file with its hash.
  /// - Throws: `FileError` for a file that is not there; ``DiffusionError/knob(name:reason:)`` for one that is not what
  ///   it was.
  func hashed() throws -> WordBankFile {
    let now = SHA256.digest(of: try MappedFile(path: path))
    guard sha256 == nil || sha256 == now else {
      throw DiffusionError.knob(
        name: "bank",
        reason: "names \(path), whose words are others than the run's: put the former file there")
    }
    return WordBankFile(path, sha256: now)
  }
}
