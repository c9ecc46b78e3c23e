internal import Foundation
internal import Glibc

// Unsafe: calls of the system take names, buffers and structures of ours for the length of the
// call.

/// A run's folder held for one writer: by a lock on the file `.lock` in it, or where the file system has
/// no locks, by the existence of that file.
///
/// The file is opened for writing: file systems of a network (NFS, Lustre) lock nothing else. It says who
/// holds the folder, and is removed when it is given back.
final class RunLock: Sendable {
  /// The file's name.
  static let name = ".lock"

  private let directory: Directory
  private let descriptor: Int32
  /// Whether the file system has no locks, and the file's existence stands for one.
  let isByExistence: Bool

  /// What `flock` says where the file system has no locks.
  private static let unsupported = [ENOLCK, ENOSYS, EOPNOTSUPP, EBADF, EINVAL]
  /// The most bytes that are read of a lock file.
  private static let limit = 4096
  /// How often to try again because the file was given back meanwhile, or is not signed yet.
  private static let tries = 32
  /// How long to wait for a signature, in microseconds.
  private static let unsignedWait: UInt32 = 5000

  /// Takes hold of a folder.
  /// - Throws: `TraceError`: another process has it or may have it, or the file cannot be made.
  init(_ directory: Directory) throws {
    self.directory = directory
    for attempt in 1...Self.tries {
      guard let (file, isOurs) = try Self.open(in: directory) else { continue }
      do {
        guard
          let isByExistence = try Self.take(
            file, isOurs, in: directory, isLastTry: attempt == Self.tries)
        else {
          close(file)
          continue
        }
        try Self.sign(file, LockHolder(isByExistence: isByExistence), in: directory)
        descriptor = file
        self.isByExistence = isByExistence
        return
      } catch {
        close(file)
        throw error
      }
    }
    throw TraceError.busy(path: directory.path)
  }

  // A process that is just being spawned holds a copy of the descriptor until it runs its program:
  // closing alone would leave a lock with it.
  deinit {
    if Self.isThere(descriptor, in: directory) {
      unsafe unlinkat(directory.descriptor, Self.name, 0)
    }
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// What to tell where the file system has no locks; `nil` where it has.
  var notice: String? {
    isByExistence
      ? "the file system of \(directory.path) has no locks: the file \(Self.name) in a run's folder keeps "
        + "other processes out while the run is written"
      : nil
  }

  /// The open lock file, and whether it was made just now; `nil` if it went meanwhile.
  private static func open(in directory: Directory) throws -> (file: Int32, isOurs: Bool)? {
    let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW
    let made = unsafe openat(directory.descriptor, name, flags | O_CREAT | O_EXCL, 0o666)
    if made >= 0 { return (made, true) }
    if errno == EEXIST {
      let found = unsafe openat(directory.descriptor, name, flags | O_NONBLOCK)
      if found >= 0 { return (found, false) }
      if errno == ENOENT { return nil }
    }
    throw TraceError.system(action: "write into", path: directory.path, code: errno)
  }

  /// Whether the file is held now by its existence alone; `nil` if it is not held, but may be at the next
  /// try.
  private static func take(
    _ file: Int32, _ isOurs: Bool, in directory: Directory, isLastTry: Bool
  ) throws -> Bool? {
    if flock(file, LOCK_EX | LOCK_NB) == 0 {
      guard isThere(file, in: directory) else { return nil }
      // Where another machine mounts the same folder without locks, its file is all there is.
      if !isOurs, let holder = holder(file), holder.isByExistence, !holder.hasEnded {
        flock(file, LOCK_UN)
        throw TraceError.mayBeBusy(path: directory.path, holder: holder)
      }
      return false
    }
    let code = errno
    if code == EWOULDBLOCK {
      // The name of a process that has ended is that of an earlier holder.
      let holder = holder(file).flatMap { $0.hasEnded ? nil : $0 }
      if holder == nil, !isLastTry { return waitForSignature() }
      throw TraceError.busy(path: directory.path, holder: holder)
    }
    if unsupported.contains(code) {
      if isOurs { return true }
      let holder = holder(file)
      if holder == nil, !isLastTry { return waitForSignature() }
      guard let holder, holder.hasEnded else {
        throw TraceError.mayBeBusy(path: directory.path, holder: holder)
      }
      try remove(file, in: directory)
      return nil
    }
    if isOurs { unsafe unlinkat(directory.descriptor, name, 0) }
    throw TraceError.system(action: "lock", path: directory.path(of: name), code: code)
  }

  /// Waits for the process that has just taken the file to write who it is.
  private static func waitForSignature() -> Bool? {
    usleep(unsignedWait)
    return nil
  }

  /// Writes into the file who holds it.
  private static func sign(
    _ file: Int32, _ holder: LockHolder, in directory: Directory
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = [UInt8](try encoder.encode(holder)) + [UInt8(ascii: "\n")]
    do {
      let path = directory.path(of: name)
      guard ftruncate(file, 0) == 0 else {
        throw TraceError.system(action: "write", path: path, code: errno)
      }
      try unsafe line.withUnsafeBytes { try unsafe writeAll($0, to: file, path: path) }
    } catch {
      unsafe unlinkat(directory.descriptor, name, 0)
      throw error
    }
  }

  /// Who the file says that holds it; `nil` where it does not say.
  private static func holder(_ file: Int32) -> LockHolder? {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(file, $0.baseAddress, $0.count, 0)
    }
    guard count > 0 else { return nil }
    return try? JSONDecoder().decode(LockHolder.self, from: Data(bytes[..<count]))
  }

  /// Whether the open file is the one that stands in the folder.
  private static func isThere(
    _ file: Int32, in directory: Directory, as name: String = name
  ) -> Bool {
    var (own, there) = (stat(), stat())
    return unsafe fstat(file, &own) == 0
      && fstatat(directory.descriptor, name, &there, AT_SYMLINK_NOFOLLOW) == 0
      && own.st_dev == there.st_dev && own.st_ino == there.st_ino
  }

  /// Removes the file of a process that has ended, and no other that took its place meanwhile.
  private static func remove(_ file: Int32, in directory: Directory) throws {
    let (folder, aside) = (directory.descriptor, ".lock.\(getpid()).tmp")
    guard unsafe renameat(folder, name, folder, aside) == 0 else {
      if errno == ENOENT { return }
      throw TraceError.system(action: "remove", path: directory.path(of: name), code: errno)
    }
    if !isThere(file, in: directory, as: aside) {
      unsafe linkat(folder, aside, folder, name, 0)
    }
    unsafe unlinkat(folder, aside, 0)
  }
}
