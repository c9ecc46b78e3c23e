internal import Glibc

/// Whole files: read at once, and replaced at once.
enum File {
  /// The largest file that is read, in bytes.
  static let sizeLimit = 512 << 20

  static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FigureError.unreadable(path: path, reason: reason()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FigureError.unreadable(path: path, reason: reason())
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FigureError.unreadable(path: path, reason: "not a regular file")
    }
    let size = Int(status.st_size)
    guard size <= sizeLimit else {
      throw FigureError.unreadable(
        path: path, reason: "\(size) bytes; at most \(sizeLimit) are read")
    }
    var count = 0
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while count < size {
        let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = reason() }
        if got <= 0 { break }
        count += got
      }
      initialized = count
    }
    if let failure { throw FigureError.unreadable(path: path, reason: failure) }
    return bytes
  }

  /// Writes beside `path` and renames, so that nobody ever sees half a file.
  ///
  /// A link is followed, and a pipe or a device is written to as it is.
  static func write(_ bytes: [UInt8], to path: String) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists && status.st_mode & S_IFMT != S_IFREG {
      return try write(bytes, into: path, flags: 0, for: path)
    }
    let target = exists ? resolved(path) : path
    let draft = "\(target).\(getpid()).part"
    do {
      try write(bytes, into: draft, flags: O_CREAT | O_TRUNC, for: path)
      guard rename(draft, target) == 0 else {
        throw FigureError.unwritable(path: path, reason: reason())
      }
    } catch {
      unlink(draft)
      throw error
    }
  }

  private static func resolved(_ path: String) -> String {
    guard let name = realpath(path, nil) else { return path }
    defer { free(name) }
    return String(cString: name)
  }

  private static func write(
    _ bytes: [UInt8], into file: String, flags: Int32, for path: String
  ) throws {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC | flags, 0o666)
    guard descriptor >= 0 else { throw FigureError.unwritable(path: path, reason: reason()) }
    var failure: String?
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty && failure == nil {
        let count = Glibc.write(
          descriptor, buffer.baseAddress.map { $0 + rest.startIndex }, rest.count)
        if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { failure = reason() }
      }
    }
    if close(descriptor) != 0 && failure == nil { failure = reason() }
    if let failure { throw FigureError.unwritable(path: path, reason: failure) }
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
