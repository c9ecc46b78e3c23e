internal import Glibc

// Unsafe: the system takes a path and writes from the address of our bytes for the length of a call.

/// Files that grow at their end; a symbolic link in the place of one is not followed.
package enum GrowingFile {
  /// Adds `bytes` to the file at `path`, all of them or none; makes the file where it lacks.
  /// - Throws: ``FileError``.
  package static func append(_ bytes: [UInt8], to path: String) throws {
    let file = try descriptor(path, O_CREAT | O_APPEND)
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      let code = errno
      close(file)
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
      try? cut(path, at: status.st_size)
      throw FileError.system(.unwritable, path: path, doing: "write", code: code)
    }
  }

  /// Cuts the file at `path` off after `count` bytes.
  /// - Throws: ``FileError``.
  package static func cut(_ path: String, at count: Int) throws {
    let file = try descriptor(path, 0)
    defer { close(file) }
    guard ftruncate(file, count) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "shorten", code: errno)
    }
  }

  /// Opens the file at `path` for writing.
  private static func descriptor(_ path: String, _ flags: Int32) throws -> Int32 {
    // Without O_NONBLOCK, opening a named pipe waits for its other end.
    let file = unsafe open(
      path, flags | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      let code = errno
      if MappedFile.isLink(path, in: AT_FDCWD) { throw MappedFile.link(path) }
      throw FileError.system(.unwritable, path: path, doing: "open", code: code)
    }
    return file
  }
}
