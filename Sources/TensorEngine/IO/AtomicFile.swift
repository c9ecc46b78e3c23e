internal import Glibc

/// A file that appears under its name only once it is whole.
///
/// The bytes go to a temporary name in the same folder, which is renamed over `path` at the end.
/// When anything fails, the temporary file is removed and what stood at `path` stays as it was.
package struct AtomicFile: ~Copyable {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  /// The number of bytes written so far.
  package private(set) var count = 0

  /// Writes `path` by what `body` appends.
  /// - Parameters:
  ///   - path: The file to make or replace.
  ///   - isDurable: Whether to wait until the file and its name are on the disk, so that they
  ///     survive a loss of power as well as the end of the process.
  ///   - isHidden: Whether nobody looks into the folder yet, and no file of this name is there: then
  ///     the bytes go to `path` at once.
  ///   - body: Appends the content.
  /// - Throws: ``FileError``, or what `body` throws.
  package static func write(
    to path: String, isDurable: Bool = false, isHidden: Bool = false,
    _ body: (inout AtomicFile) throws -> Void
  ) throws {
    var file = try AtomicFile(path: path, isHidden: isHidden)
    do {
      try body(&file)
      if isDurable { try file.synchronize() }
    } catch {
      file.abandon()
      throw error
    }
    try file.commit(isDurable: isDurable)
  }

  private init(path: String, isHidden: Bool) throws {
    if !isHidden { try Self.checkReplaceable(path) }
    let temporary = isHidden ? path : Self.temporaryName(path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FileError.system(.unwritable, path: path, doing: "create", code: errno)
    }
    self.path = path
    self.temporary = temporary
    self.descriptor = descriptor
  }

  /// A name in the same folder that nobody else uses.
  private static func temporaryName(_ path: String) -> String {
    let (folder, name) = split(path)
    // A name may be 255 bytes long, and the temporary one must still fit.
    let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    var generator = SystemRandomNumberGenerator()
    let salt = String(generator.next(), radix: 36)
    return "\(folder)/.\(stem).\(getpid()).\(salt).tmp"
  }

  /// Appends `bytes`.
  /// - Throws: ``FileError``.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while let base = rest.baseAddress, rest.count > 0 {
      let written = Glibc.write(descriptor, base, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError.system(.unwritable, path: path, doing: "write", code: errno)
      }
      count += written
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Appends `bytes`.
  /// - Throws: ``FileError``.
  package mutating func append(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try append($0) }
  }

  /// Writes `bytes` over those at `offset`, which were appended before.
  /// - Throws: ``FileError``.
  package func overwrite(_ bytes: [UInt8], at offset: Int) throws {
    guard offset + bytes.count <= count else {
      bug("\(bytes.count) bytes at \(offset) of \(count)")
    }
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, offset + done)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError.system(.unwritable, path: path, doing: "write", code: errno)
      }
      done += written
    }
  }

  private func synchronize() throws {
    guard fsync(descriptor) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "write to the disk", code: errno)
    }
  }

  private consuming func abandon() {
    close(descriptor)
    unlink(temporary)
  }

  private consuming func commit(isDurable: Bool) throws {
    // After EINTR the descriptor is closed on Linux, and nothing was lost.
    guard close(descriptor) == 0 || errno == EINTR else {
      let code = errno
      unlink(temporary)
      throw FileError.system(.unwritable, path: path, doing: "write", code: code)
    }
    guard temporary == path || rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw FileError.system(.unwritable, path: path, doing: "rename into place", code: code)
    }
    if isDurable { try Self.synchronizeFolder(of: path) }
  }

  private static func synchronizeFolder(of path: String) throws {
    let descriptor = open(split(path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw FileError.system(
        .unwritable, path: path, doing: "write its name to the disk", code: errno)
    }
  }

  /// Refuses a path where a rename would replace a folder or a device.
  private static func checkReplaceable(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFLNK: return
    case S_IFDIR:
      throw FileError(.unwritable, path: path, reason: "expected a file's name, got a folder")
    default:
      throw FileError(
        .unwritable, path: path, reason: "expected a file's name, got a device, pipe or socket")
    }
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, String(path[path.utf8.index(after: slash)...]))
  }
}

/// Writes `bytes` to `path` so that the file is either whole or not there.
/// - Throws: ``FileError``.
package func writeAtomically(
  _ bytes: [UInt8], to path: String, isDurable: Bool = false
) throws {
  try AtomicFile.write(to: path, isDurable: isDurable) { try $0.append(bytes) }
}
