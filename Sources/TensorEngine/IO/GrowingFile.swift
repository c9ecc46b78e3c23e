internal import Glibc

// Unsafe: the system takes a path and writes from the address of our bytes for the length of a call.

/// Files that grow at their end.
package enum GrowingFile {
  /// Adds `bytes` to the file at `path`, all of them or none; makes the file where it lacks.
  /// - Throws: ``FileError``.
  package static func append(_ bytes: [UInt8], to path: String) throws {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    var status = stat()
    guard file >= 0, unsafe fstat(file, &status) == 0 else {
      let code = errno
      if file >= 0 { close(file) }
      throw FileError.system(.unwritable, path: path, doing: "open", code: code)
    }
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes { rest in
        uninterrupted { unsafe write(file, rest.baseAddress, rest.count) }
      }
      if count < 0 {
        let code = errno
        ftruncate(file, status.st_size)
        close(file)
        throw FileError.system(.unwritable, path: path, doing: "write", code: code)
      }
      written += count
    }
    // After EINTR the descriptor is closed on Linux, and nothing was lost.
    guard close(file) == 0 || errno == EINTR else {
      let code = errno
      unsafe truncate(path, status.st_size)
      throw FileError.system(.unwritable, path: path, doing: "write", code: code)
    }
  }

  /// Cuts the file at `path` off after `count` bytes.
  /// - Throws: ``FileError``.
  package static func cut(_ path: String, at count: Int) throws {
    guard unsafe truncate(path, count) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "shorten", code: errno)
    }
  }
}
