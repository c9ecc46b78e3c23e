internal import Glibc
private import Synchronization

// Unsafe: this is the owner of a mapping, whose address is lent or valid while the file lives;
// offsets are checked against its size.

/// A regular file mapped into memory, read-only, until the last reference to it goes.
///
/// Nothing is read before it is used, and pages can be given back at any time, so a checkpoint
/// larger than memory still opens. A file that another program shortens while it is mapped
/// ends this process with SIGBUS, as with every mapping.
@safe package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// The size of the file in bytes, at least 1.
  package let count: Int
  private let base: UnsafeRawPointer
  /// How often each range was used, by its first address.
  private let uses = Mutex<[UInt: Int]>([:])

  /// Maps the file at `path`.
  /// - Parameter root: a folder that `path` begins with, and that no symbolic link below it leads out of;
  ///   `nil` where links are followed, as a user expects who names a file.
  /// - Throws: ``FileError`` when there is none, or it is empty, not a regular file or not readable.
  package init(path: String, within root: String? = nil) throws {
    // The system would read the path up to a NUL: that of another file.
    guard !path.utf8.contains(0) else {
      throw FileError(.missing, path: path, reason: "expected a path without NUL characters")
    }
    // Without O_NONBLOCK, opening a named pipe waits for its other end.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
    let descriptor =
      if let root { try Self.descriptor(path, within: root, flags) } else {
        unsafe open(path, flags)
      }
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw FileError.system(.unreadable, path: path, doing: "read", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
      throw FileError(.unreadable, path: path, reason: "expected a file, got \(kind)")
    }
    guard status.st_size > 0 else {
      throw FileError(.malformed, path: path, offset: 0, reason: "the file is empty")
    }
    let size = Int(status.st_size)
    guard let mapping = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe mapping != MAP_FAILED
    else {
      throw FileError.system(.unreadable, path: path, doing: "map", code: errno)
    }
    self.path = path
    count = size
    unsafe base = UnsafeRawPointer(mapping)
  }

  private static func failure(_ path: String, _ code: Int32) -> FileError {
    FileError.system(
      code == ENOENT || code == ENOTDIR ? .missing : .unreadable, path: path, doing: "open",
      code: code)
  }

  /// Opens a file folder by folder from `root` on, and refuses a symbolic link on the way.
  private static func descriptor(
    _ path: String, within root: String, _ flags: Int32
  ) throws -> Int32 {
    // By bytes: a slash before a combining accent is one character with it.
    guard path.utf8.starts(with: (root + "/").utf8) else { bug("\(path) is not in \(root)") }
    var descriptor = unsafe open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    var place = root
    let names = path.utf8.dropFirst(root.utf8.count).split(separator: UInt8(ascii: "/"))
      .map { String(Substring($0)) }
    for (position, name) in names.enumerated() where descriptor >= 0 {
      let folder = descriptor
      defer { close(folder) }
      place += "/" + name
      let isLast = position == names.count - 1
      descriptor = unsafe openat(
        folder, name, (isLast ? flags : O_RDONLY | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW)
      if descriptor < 0 {
        let code = errno
        if isLink(name, in: folder) { throw link(place) }
        throw failure(path, code)
      }
    }
    return descriptor
  }

  /// Whether a name in an open folder is a symbolic link.
  package static func isLink(_ name: String, in folder: Int32) -> Bool {
    var status = stat()
    return unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0
      && status.st_mode & S_IFMT == S_IFLNK
  }

  /// The error of a symbolic link in a folder that a stranger made.
  package static func link(_ path: String) -> FileError {
    FileError(
      .malformed, path: path,
      reason: "is a symbolic link, which could lead anywhere and is not followed; put in its place "
        + "what it leads to")
  }

  deinit {
    unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    Self.staying.withLock { $0[ObjectIdentifier(self)] = nil }
  }

  /// Lends the file's bytes to `body`, which must not keep them.
  package func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(self) {
      try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }
  }

  /// The address of the byte at `offset`, valid for as long as this object lives.
  package func address(of offset: Int) -> UnsafeRawPointer {
    guard 0...count ~= offset else { bug("byte \(offset) of a file of \(count)") }
    return unsafe base + offset
  }
}

// MARK: - Memory

extension MappedFile {
  /// What is given back is at least this long, in bytes: less is not worth the call.
  private static let smallestRelease = 1 << 20
  /// A range that was used so often stays, if there is room: it is one of a network that runs again
  /// and again.
  private static let usesThatStay = 4
  /// The most that stays, in bytes: to read a range again costs up to a tenth of a product with it,
  /// and a network may be larger than the memory there is.
  private static let room = 1 << 30
  /// What stays of each file, as addresses.
  private static let staying = Mutex<[ObjectIdentifier: [Range<UInt>]]>([:])

  /// Gives the memory of `range` back, unless it is used often and there is room for it.
  ///
  /// Reading it again brings it in again, from the system's cache or from the file. Up to a gigabyte
  /// of all files stays.
  package func release(_ range: Range<Int>) {
    let start = unsafe UInt(bitPattern: base)
    let addresses = start + UInt(range.lowerBound)..<start + UInt(range.upperBound)
    guard range.count >= Self.smallestRelease, !stays(addresses) else { return }
    Self.giveBack(addresses)
  }

  /// Gives back what stays of all files, before something that needs much memory itself.
  ///
  /// What is used again stays again.
  package static func releaseAll() {
    let all = staying.withLock { staying in
      defer { staying.removeAll() }
      return staying.values.flatMap(\.self)
    }
    for addresses in all { giveBack(addresses) }
  }

  /// Gives back the whole pages within `addresses`.
  private static func giveBack(_ addresses: Range<UInt>) {
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let first = (addresses.lowerBound + page - 1) / page * page
    let end = addresses.upperBound / page * page
    guard end > first else { return }
    // A failure leaves the memory where it is, which is no harm.
    _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_DONTNEED)
  }

  /// Counts a use of `addresses`, and says whether they stay.
  private func stays(_ addresses: Range<UInt>) -> Bool {
    let count = uses.withLock { uses in
      uses[addresses.lowerBound, default: 0] += 1
      return uses[addresses.lowerBound, default: 0]
    }
    guard count >= Self.usesThatStay else { return false }
    return Self.staying.withLock { staying in
      let mine = staying[ObjectIdentifier(self), default: []]
      if mine.contains(addresses) { return true }
      let taken = staying.values.joined().reduce(0) { $0 + $1.count }
      guard taken + addresses.count <= Self.room else { return false }
      staying[ObjectIdentifier(self)] = mine + [addresses]
      return true
    }
  }
}
