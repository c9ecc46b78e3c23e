internal import Glibc

// Unsafe: the system takes paths and fills a structure of ours for the length of a call.

/// Folders that a command makes for what it writes.
package enum OutputFolder {
  /// Makes the folder and those above it.
  /// - Throws: ``FileError`` with the system's words.
  package static func make(_ path: String) throws {
    if let failure = failure(making: path) {
      throw FileError.system(.unwritable, path: path, doing: "create", code: failure.code)
    }
  }

  /// Makes the folder and those above it.
  /// - Returns: The first that cannot be made, and the system's number for why; `nil` if all are there.
  package static func failure(making path: String) -> (path: String, code: Int32)? {
    if isMade(path) { return nil }
    let code = errno
    guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      return (path, code)
    }
    if let failure = failure(making: String(path[..<slash])) { return failure }
    return isMade(path) ? nil : (path, errno)
  }

  /// Makes one folder; one that is there is none too many.
  private static func isMade(_ path: String) -> Bool {
    if unsafe path.isEmpty || mkdir(path, 0o777) == 0 { return true }
    guard errno == EEXIST else { return false }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return false }
    if status.st_mode & S_IFMT == S_IFDIR { return true }
    errno = ENOTDIR
    return false
  }
}
