internal import Glibc
private import Synchronization

/// A regular file mapped into memory, read-only, until the last reference to it goes.
///
/// Nothing is read before it is used, and pages can be given back at any time, so a checkpoint
/// larger than memory still opens. A file that another program shortens while it is mapped
/// ends this process with SIGBUS, as with every mapping.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// The size of the file in bytes, at least 1.
  package let count: Int
  private let base: UnsafeRawPointer
  private let uses = Mutex(Uses())

  /// Maps the file at `path`.
  /// - Throws: ``FileError`` when there is none, or it is empty, no regular file or not readable.
  package init(path: String) throws {
    // Without O_NONBLOCK, opening a named pipe waits for its other end.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      throw FileError.system(
        code == ENOENT || code == ENOTDIR ? .missing : .unreadable, path: path, doing: "open",
        code: code)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
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
    guard let mapping = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      mapping != MAP_FAILED
    else {
      throw FileError.system(.unreadable, path: path, doing: "map", code: errno)
    }
    self.path = path
    count = size
    base = UnsafeRawPointer(mapping)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: base), count)
    let staying = uses.withLock(\.staying)
    Self.room.withLock { $0 += staying }
  }

  /// Lends the file's bytes to `body`, which must not keep them.
  package func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(self) {
      try body(UnsafeRawBufferPointer(start: base, count: count))
    }
  }

  /// The address of the byte at `offset`, valid for as long as this object lives.
  package func address(of offset: Int) -> UnsafeRawPointer {
    precondition(0...count ~= offset, "byte \(offset) of a file of \(count)")
    return base + offset
  }
}

// MARK: - Memory

extension MappedFile {
  /// What is given back is at least this long, in bytes: less is not worth the call.
  private static let smallestRelease = 1 << 20
  /// A range that was used so often stays, if there is room: it is one of a network that runs again
  /// and again.
  private static let usesThatStay = 4
  /// Room for ranges that stay, in bytes: to read a range anew costs up to a tenth of a product with
  /// it, and a network may be larger than the memory there is.
  private static let room = Mutex(1 << 30)

  /// How often each range was used, by its first byte, and the bytes of those that stay.
  struct Uses {
    var counts: [Int: Int] = [:]
    var staying = 0
  }

  /// Gives the memory of `range` back, unless it is used often and there is room for it.
  ///
  /// Reading it again brings it in again, from the system's cache or from the file. Up to a gigabyte
  /// of all files stays.
  package func release(_ range: Range<Int>) {
    guard range.count >= Self.smallestRelease, !stays(range) else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    // A failure leaves the memory where it is, which is no harm.
    _ = madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }

  /// Counts a use of `range`, and says whether it stays.
  private func stays(_ range: Range<Int>) -> Bool {
    uses.withLock { uses in
      let count = uses.counts[range.lowerBound, default: 0] + 1
      uses.counts[range.lowerBound] = count
      guard count == Self.usesThatStay else { return count > Self.usesThatStay }
      let fits = Self.room.withLock { room in
        guard range.count <= room else { return false }
        room -= range.count
        return true
      }
      // Counting begins again: there may be room another time.
      if fits { uses.staying += range.count } else { uses.counts[range.lowerBound] = 0 }
      return fits
    }
  }
}
