internal import CKernels
internal import Glibc
internal import TensorEngine

// Unsafe: calls of the system take names, buffers and structures of ours for the length of the
// call.

/// An open folder, in which files are named relative to it.
///
/// Holding the descriptor saves the walk of a long path for each chunk, and cannot be led
/// elsewhere by a folder that is renamed meanwhile.
final class Directory: Sendable {
  /// As it was opened; for messages.
  let path: String
  let descriptor: Int32

  /// The name a file has until it is complete.
  ///
  /// Readers of Zarr pass over it.
  static let temporary = ".tmp"

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Opens the folder at `path`; with `create` makes it and those above it where they lack.
  convenience init(path: String, create: Bool = false) throws {
    if create, let (path, code) = OutputFolder.failure(making: path) {
      throw TraceError.system(action: "create", path: path, code: code)
    }
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw TraceError.system(action: "open", path: path, code: errno)
    }
    self.init(path: path, descriptor: descriptor)
  }

  /// The path of `name` in this folder, for messages.
  func path(of name: String) -> String { path + "/" + name }

  /// The folder `name` in this one; `nil` if there is none.
  func folder(_ name: String) throws -> Directory? {
    let inner = unsafe openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    if inner >= 0 { return Directory(path: path(of: name), descriptor: inner) }
    if errno == ENOENT { return nil }
    throw failure(to: "open", name, errno)
  }

  /// The error of a name that cannot be opened.
  private func failure(to action: String, _ name: String, _ code: Int32) -> TraceError {
    guard MappedFile.isLink(name, in: descriptor) else {
      return .system(action: action, path: path(of: name), code: code)
    }
    return .malformed(path: path(of: name), reason: MappedFile.link(name).reason)
  }

  /// The folder `name` in this one, made if it lacks.
  func made(_ name: String) throws -> Directory {
    if unsafe mkdirat(descriptor, name, 0o777) != 0, errno != EEXIST {
      throw TraceError.system(action: "create", path: path(of: name), code: errno)
    }
    if let inner = try folder(name) { return inner }
    throw TraceError.system(action: "open", path: path(of: name), code: ENOENT)
  }

  /// Opens a file with `flags`; `nil` if it does not exist.
  /// - Throws: `TraceError`: among others where it is a link, a folder, or a pipe, which would be waited for.
  func openFile(_ name: String, _ flags: Int32) throws -> Int32? {
    let more = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    let file = unsafe openat(descriptor, name, flags | more, 0o666)
    guard file >= 0 else {
      if errno == ENOENT && flags & O_CREAT == 0 { return nil }
      throw failure(to: "open", name, errno)
    }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw TraceError.malformed(path: path(of: name), reason: "expected a file, got another thing")
    }
    return file
  }

  /// Whether there is something of this name.
  func has(_ name: String) -> Bool {
    unsafe faccessat(descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// Whether there is a folder of this name.
  func isFolder(_ name: String) -> Bool {
    var status = stat()
    return unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
      && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Writes a file whole: under another name first, so that nobody ever sees a part of it.
  func write(_ bytes: UnsafeRawBufferPointer, to name: String, durably: Bool) throws {
    do {
      try AtomicFile.write(
        name, in: descriptor, path: path(of: name), temporary: Self.temporary, isDurable: durably
      ) { try unsafe $0.append(bytes) }
    } catch let error as FileError {
      throw TraceError.system(
        action: "write", path: path(of: name), code: error.systemError ?? EIO)
    }
  }

  /// The same for an array of bytes.
  func write(_ bytes: [UInt8], to name: String, durably: Bool) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe write($0, to: name, durably: durably) }
  }

  /// Puts the file `name` in the place of `other`, which gets its name where the file system can exchange
  /// names, and else goes.
  func put(_ name: String, inPlaceOf other: String) throws {
    guard
      unsafe ck_exchange_names(descriptor, name, other) == 0
        || renameat(descriptor, name, descriptor, other) == 0
    else { throw TraceError.system(action: "rename", path: path(of: other), code: errno) }
  }

  /// The bytes of a file; `nil` if it does not exist.
  /// - Parameters:
  ///   - limit: how many there may be.
  ///   - advice: the end of the message about more.
  /// - Throws: `TraceError`: among others for a file of more, of which nothing is read.
  func read(_ name: String, atMost limit: Int, advice: String = "") throws -> [UInt8]? {
    guard let file = try openFile(name, O_RDONLY) else { return nil }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      throw TraceError.system(action: "read", path: path(of: name), code: errno)
    }
    let size = Int(status.st_size)
    guard size <= limit else {
      throw TraceError.malformed(
        path: path(of: name), reason: "\(size) bytes, expected at most \(limit)" + advice)
    }
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = uninterrupted {
          unsafe Glibc.read(file, buffer.baseAddress.map { unsafe $0 + count }, size - count)
        }
        if got < 0 { failure = errno }
        if got <= 0 { return }
        count += got
      }
    }
    if failure != 0 {
      throw TraceError.system(action: "read", path: path(of: name), code: failure)
    }
    return bytes
  }

  /// The bytes of a description of a run or a store; `nil` if it does not exist.
  /// - Throws: `TraceError`: among others for one of more bytes than ``FileLimit/description``.
  func description(_ name: String) throws -> [UInt8]? {
    try read(
      name, atMost: FileLimit.description.value, advice: FileLimit.description.advice)
  }

  /// The names in the folder, in the order of their bytes.
  func names() throws -> [String] {
    let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = unsafe fdopendir(copy) else {
      throw TraceError.system(action: "list", path: path, code: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
      errno = 0
    }
    if errno != 0 { throw TraceError.system(action: "list", path: path, code: errno) }
    return names.sorted()
  }

  /// Removes a file; one that is not there is no error.
  func remove(_ name: String) throws {
    guard unsafe unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
      throw TraceError.system(action: "remove", path: path(of: name), code: errno)
    }
  }

  /// Removes the folder `name` if nothing is in it.
  func removeFolder(_ name: String) throws {
    guard unsafe unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw TraceError.system(action: "remove", path: path(of: name), code: errno)
    }
  }

  /// Waits until the names in the folder would survive a power cut.
  func synchronize() throws {
    guard fsync(descriptor) == 0 else {
      throw TraceError.system(action: "synchronize", path: path, code: errno)
    }
  }
}

/// Writes all of `bytes`, through interruptions and short writes.
func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32, path: String) throws {
  var rest = unsafe bytes
  while unsafe !rest.isEmpty {
    let written = uninterrupted { unsafe Glibc.write(file, rest.baseAddress, rest.count) }
    if written < 0 { throw TraceError.system(action: "write", path: path, code: errno) }
    unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[written...])
  }
}

/// Writes all of `bytes` over a file's first ones, through interruptions and short writes.
func overwriteAll(_ bytes: UnsafeRawBufferPointer, in file: Int32, path: String) throws {
  var done = 0
  while done < bytes.count {
    let written = uninterrupted {
      unsafe pwrite(file, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, done)
    }
    if written < 0 { throw TraceError.system(action: "write", path: path, code: errno) }
    done += written
  }
}

/// Closes a file that was written: a quota of a network's file system may only speak up now.
func closeWritten(_ file: Int32, path: String) throws {
  // After EINTR the descriptor is closed on Linux, and nothing was lost.
  guard close(file) == 0 || errno == EINTR else {
    throw TraceError.system(action: "write", path: path, code: errno)
  }
}

/// Waits until a file's bytes would survive a power cut.
func forceToDisk(_ file: Int32, path: String) throws {
  guard fdatasync(file) == 0 else {
    throw TraceError.system(action: "synchronize", path: path, code: errno)
  }
}
