internal import Glibc

// Unsafe: the system's words for an error come as a C string, which is copied.

/// An error in a file, with its place.
///
/// Everything that reads or writes a file in this module throws this type. `description` is one
/// line that names the file, the place in it, what was expected and what was found.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The class of a failure, which decides a command's exit code.
  public enum Kind: Equatable, Sendable {
    /// There is no file at the path.
    case missing
    /// The path cannot be opened or read: its permissions, its type or its disk.
    case unreadable
    /// The path cannot be created, written or renamed.
    case unwritable
    /// The disk or the quota is full.
    case diskFull
    /// The system has no memory to map or read it.
    case noMemory
    /// The content breaks a rule of its format.
    case malformed
    /// The content is valid, but not supported.
    case unsupported
  }

  /// The class of the failure.
  public let kind: Kind
  /// The file, as the caller named it.
  public let path: String
  /// The byte of the file, counted from 0, that the failure is about.
  public let offset: Int?
  /// The tensor, key or place in the document that the failure is about, such as `.shape[1]`.
  public let subject: String?
  /// What was expected and what was found, without a full stop.
  public let reason: String
  /// The system's error number, when a system call failed.
  public let systemError: Int32?

  /// An error in the file at `path`.
  public init(
    _ kind: Kind, path: String, offset: Int? = nil, subject: String? = nil, reason: String,
    systemError: Int32? = nil
  ) {
    self.kind = kind
    self.path = path
    self.offset = offset
    self.subject = subject
    self.reason = reason
    self.systemError = systemError
  }

  /// One line: the file, the place, and what is wrong there.
  public var description: String {
    var line = Self.printable(path) + ": "
    if let subject { line += subject + ": " }
    line += reason
    if let offset { line += " (byte \(offset))" }
    return line
  }

  /// `text` between quotation marks, safe for a terminal, cut after 80 characters.
  package static func quoted(_ text: String) -> String {
    let short = text.unicodeScalars.prefix(80)
    let rest = text.unicodeScalars.dropFirst(80).isEmpty ? "" : "…"
    return "\"" + printable(String(String.UnicodeScalarView(short))) + rest + "\""
  }

  /// `text` with control and format characters written as escapes.
  package static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The failure of a system call on `path`, in the system's words.
  package static func system(
    _ kind: Kind, path: String, doing action: String, code: Int32
  ) -> FileError {
    let full = code == ENOSPC || code == EDQUOT
    let words = unsafe full ? "disk full" : String(cString: strerror(code))
    return FileError(
      full ? .diskFull : code == ENOMEM ? .noMemory : kind, path: path,
      reason: "cannot \(action): \(words) (errno \(code))",
      systemError: code)
  }
}
