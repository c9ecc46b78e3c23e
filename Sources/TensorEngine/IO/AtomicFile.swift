internal import Glibc

// Unsafe: the system writes from addresses, which the bytes lend for the call.

/// A file that appears under its name only once it is whole.
///
/// The bytes go to a temporary name in the same folder, which is renamed over the file's own at the
/// end. When anything fails, the temporary file is removed and what stood there stays as it was.
package struct AtomicFile: ~Copyable {
  /// Where a file goes, and under which names.
  private struct Place {
    /// The folder's descriptor, or `AT_FDCWD` for names that are paths.
    var folder = AT_FDCWD
    /// The name in the folder.
    let name: String
    /// The name until the file is whole.
    let temporary: String
    /// What messages call the file.
    let path: String
  }

  private let place: Place
  private let descriptor: Int32
  /// The number of bytes written so far.
  package private(set) var count = 0

  private init(at place: Place, flags: Int32) throws {
    let mode = O_WRONLY | O_CLOEXEC | flags
    let descriptor = unsafe openat(place.folder, place.temporary, mode, 0o666)
    guard descriptor >= 0 else {
      throw FileError.system(.unwritable, path: place.path, doing: "create", code: errno)
    }
    self.place = place
    self.descriptor = descriptor
  }

  // MARK: Files by their paths

  /// Writes `path` by what `body` appends.
  /// - Parameters:
  ///   - path: The file to make or replace.
  ///   - isDurable: Whether to wait until the file and its name are on the disk, so that they
  ///     survive a loss of power as well as the end of the process.
  ///   - isHidden: Whether nobody looks into the folder yet, and no file of this name is there: then
  ///     the bytes go to `path` at once.
  ///   - throughLinks: Whether a link is followed to the file that is replaced, and a pipe or a device
  ///     written to as it is, as a user expects who names them; else a link is replaced itself, and a
  ///     pipe or a device refused.
  ///   - body: Appends the content.
  /// - Throws: ``FileError``, or what `body` throws.
  package static func write(
    to path: String, isDurable: Bool = false, isHidden: Bool = false, throughLinks: Bool = false,
    _ body: (inout AtomicFile) throws -> Void
  ) throws {
    if throughLinks, isDevice(path) {
      let place = Place(name: path, temporary: path, path: path)
      return try write(at: place, flags: 0, isDurable: false, body)
    }
    let name = throughLinks ? target(of: path) : path
    if !isHidden { try checkReplaceable(name, path: path) }
    let temporary = isHidden ? name : temporaryName(name)
    let place = Place(name: name, temporary: temporary, path: path)
    try write(at: place, flags: O_CREAT | O_EXCL, isDurable: isDurable, body)
    if isDurable { try synchronizeFolder(of: name) }
  }

  /// What a path leads to: the path itself unless a link stands there.
  private static func target(of path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// Whether there is a pipe, a socket or a device at `path`, or where a link there leads.
  private static func isDevice(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return false }
    return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
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

  private static func synchronizeFolder(of path: String) throws {
    let descriptor = unsafe open(split(path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw FileError.system(
        .unwritable, path: path, doing: "write its name to the disk", code: errno)
    }
  }

  /// Refuses a name where a rename would replace a folder or a device.
  private static func checkReplaceable(_ name: String, path: String) throws {
    var status = stat()
    guard unsafe lstat(name, &status) == 0 else { return }
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

  // MARK: Files in an open folder

  /// Writes `name` in an open folder by what `body` appends.
  /// - Parameters:
  ///   - name: The file to make or replace.
  ///   - folder: The folder's descriptor.
  ///   - path: What messages call the file.
  ///   - temporary: Its name until it is whole; a file of that name is written over.
  ///   - isDurable: Whether to wait until the bytes are on the disk; the name is there when the folder
  ///     is synchronized.
  ///   - body: Appends the content.
  /// - Throws: ``FileError``, or what `body` throws.
  package static func write(
    _ name: String, in folder: Int32, path: String, temporary: String, isDurable: Bool,
    _ body: (inout AtomicFile) throws -> Void
  ) throws {
    let place = Place(folder: folder, name: name, temporary: temporary, path: path)
    try write(
      at: place, flags: O_CREAT | O_TRUNC | O_NOFOLLOW, isDurable: isDurable, body)
  }

  // MARK: Writing

  private static func write(
    at place: Place, flags: Int32, isDurable: Bool, _ body: (inout AtomicFile) throws -> Void
  ) throws {
    var file = try AtomicFile(at: place, flags: flags)
    do {
      try body(&file)
      if isDurable { try file.synchronize() }
    } catch {
      file.abandon()
      throw error
    }
    try file.commit()
  }

  /// Appends `bytes`.
  /// - Throws: ``FileError``.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = unsafe bytes
    while let base = rest.baseAddress, rest.count > 0 {
      let written = uninterrupted { unsafe Glibc.write(descriptor, base, rest.count) }
      if written < 0 {
        throw FileError.system(.unwritable, path: place.path, doing: "write", code: errno)
      }
      count += written
      unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Appends `bytes`.
  /// - Throws: ``FileError``.
  package mutating func append(_ bytes: [UInt8]) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe append($0) }
  }

  /// Writes `bytes` over those at `offset`, which were appended before.
  /// - Throws: ``FileError``.
  package func overwrite(_ bytes: [UInt8], at offset: Int) throws {
    guard offset + bytes.count <= count else {
      bug("\(bytes.count) bytes at \(offset) of \(count)")
    }
    var done = 0
    while done < bytes.count {
      let written = unsafe bytes.withUnsafeBytes { bytes in
        uninterrupted {
          unsafe pwrite(
            descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done,
            offset + done)
        }
      }
      if written < 0 {
        throw FileError.system(.unwritable, path: place.path, doing: "write", code: errno)
      }
      done += written
    }
  }

  private func synchronize() throws {
    guard fdatasync(descriptor) == 0 else {
      throw FileError.system(.unwritable, path: place.path, doing: "write to the disk", code: errno)
    }
  }

  private consuming func abandon() {
    close(descriptor)
    remove()
  }

  private consuming func commit() throws {
    // After EINTR the descriptor is closed on Linux, and nothing was lost.
    guard close(descriptor) == 0 || errno == EINTR else {
      let code = errno
      remove()
      throw FileError.system(.unwritable, path: place.path, doing: "write", code: code)
    }
    guard
      unsafe place.temporary == place.name
        || renameat(place.folder, place.temporary, place.folder, place.name) == 0
    else {
      let code = errno
      remove()
      throw FileError.system(
        .unwritable, path: place.path, doing: "rename into place", code: code)
    }
  }

  /// Removes what is not whole; a device stays.
  private borrowing func remove() {
    if Self.isDevice(place.temporary) && place.folder == AT_FDCWD { return }
    unsafe unlinkat(place.folder, place.temporary, 0)
  }
}

/// Writes `bytes` to `path` so that the file is either whole or not there; see
/// ``AtomicFile/write(to:isDurable:isHidden:throughLinks:_:)``.
/// - Throws: ``FileError``.
package func writeAtomically(
  _ bytes: [UInt8], to path: String, isDurable: Bool = false, throughLinks: Bool = false
) throws {
  try AtomicFile.write(to: path, isDurable: isDurable, throughLinks: throughLinks) {
    try $0.append(bytes)
  }
}
