internal import AttentionAnalysis
internal import AttentionTrace
internal import Foundation
internal import Synchronization
internal import TensorEngine

// Unsafe: calls of the system take paths and structures for the length of the call; bytes are lent
// to a sink for the length of its call, which copies or hashes them and keeps no pointer.

/// A folder on its way to a place, where it appears only once it is whole.
///
/// Files are written into a folder beside the place, hashed as they are written; at the end that
/// folder takes the place.
final class ExportFolder: Sendable {
  /// The place.
  let path: String
  private let temporary: String
  private let replaces: Bool
  private let files = Mutex<[ExportedFile]>([])
  private let folders = Mutex<Set<String>>([])
  private let check: @Sendable () throws -> Void

  /// From this many bytes on, writing and hashing go side by side.
  private static let worthTwoThreads = 1 << 16

  /// Begins a folder for `path`, which does not exist, is empty, or, with `overwriting`, is an
  /// earlier export to which nothing was added.
  /// - Parameter check: Called before each piece is written; what it throws ends the export.
  /// - Throws: `FileError`.
  convenience init(
    _ path: String, overwriting: Bool, check: @escaping @Sendable () throws -> Void
  ) throws {
    try self.init(
      path, replaces: try Self.checkReplaceable(path, overwriting: overwriting), check: check)
  }

  /// Begins a folder for the arrays alone: a store at `path`, or one file.
  convenience init(
    alone format: ExportFormat, _ path: String, overwriting: Bool,
    check: @escaping @Sendable () throws -> Void
  ) throws {
    let replaces =
      try format.isStore
      ? Self.checkReplaceableStore(path, overwriting: overwriting)
      : Self.checkReplaceableFile(path, overwriting: overwriting)
    try self.init(path, replaces: replaces, check: check)
  }

  private init(
    _ path: String, replaces: Bool, check: @escaping @Sendable () throws -> Void
  ) throws {
    self.path = path
    self.check = check
    self.replaces = replaces
    let place = URL(fileURLWithPath: path).standardizedFileURL
    let parent = place.deletingLastPathComponent().path
    let stem = String(decoding: place.lastPathComponent.utf8.prefix(200), as: UTF8.self)
    let salt = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    temporary = "\(parent)/.\(stem).\(getpid()).\(salt).tmp"
    try Self.make(parent, for: path)
    guard unsafe mkdir(temporary, 0o777) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "create", code: errno)
    }
  }

  /// Whether there is an earlier export at `path`.
  private static func checkReplaceable(_ path: String, overwriting: Bool) throws -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(
        .unwritable, path: path, reason: "exists and is not a folder")
    }
    guard try !FileManager.default.contentsOfDirectory(atPath: path).isEmpty else { return false }
    guard overwriting else {
      throw FileError(
        .unwritable, path: path,
        reason: "is not empty: choose another folder, or overwrite an earlier export")
    }
    let earlier: ExportVerification
    do {
      earlier = try ExportVerification(of: path, hashing: false)
    } catch {
      throw FileError(
        .unwritable, path: path,
        reason: "is not an earlier export, so it is not overwritten (\(error))"
      )
    }
    if let extra = earlier.extra.first {
      throw FileError(
        .unwritable, path: path,
        reason: "holds \(extra), which is not part of the export, so it is not overwritten")
    }
    return true
  }

  /// Whether there is a file at `path` that may be replaced.
  private static func checkReplaceableFile(_ path: String, overwriting: Bool) throws -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(.unwritable, path: path, reason: "exists and is not a file")
    }
    guard overwriting else {
      throw FileError(
        .unwritable, path: path, reason: "exists: choose another name, or overwrite it")
    }
    return true
  }

  /// Whether there is an exported store at `path`, and nothing that is not of it.
  private static func checkReplaceableStore(_ path: String, overwriting: Bool) throws -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(.unwritable, path: path, reason: "exists and is not a folder")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    guard !names.isEmpty else { return false }
    guard overwriting else {
      throw FileError(
        .unwritable, path: path,
        reason: "is not empty: choose another name, or overwrite an earlier export")
    }
    guard let store = try? ListedStore(path) else {
      throw FileError(
        .unwritable, path: path, reason: "is not an earlier export, so it is not overwritten")
    }
    if let extra = names.sorted().first(where: { !store.names.contains($0) }) {
      throw FileError(
        .unwritable, path: path,
        reason: "holds \(extra), which is not part of the export, so it is not overwritten")
    }
    return true
  }

  private static func make(_ folder: String, for path: String) throws {
    if let failure = OutputFolder.failure(making: folder) {
      throw FileError.system(.unwritable, path: path, doing: "create", code: failure.code)
    }
  }

  /// Refuses an export that needs more than the disk has.
  /// - Throws: `FileError`.
  func checkFits(bytes: Int) throws {
    let free = try RecordingCost.freeDisk(at: temporary)
    guard bytes > free else { return }
    throw FileError(
      .diskFull, path: path,
      reason: "the export needs \(formatBytes(bytes)), and \(formatBytes(free)) are free")
  }

  // MARK: - Files

  /// Writes the file `name` by what `content` gives.
  /// - Throws: `FileError`, or what `content` throws.
  func write(
    _ name: String, _ mediaType: String, _ content: (ByteSink) throws -> Void
  ) throws {
    let hash = SHA256()
    var count = 0
    try prepare(name) { path in
      try AtomicFile.write(to: path, isHidden: true) { file in
        try unsafe content { bytes in
          try check()
          count += bytes.count
          guard bytes.count >= Self.worthTwoThreads else {
            unsafe hash.update(bytes)
            return try unsafe file.append(bytes)
          }
          var failure: (any Error)?
          Parallel.forEach(2) { part in
            if part == 0 { return unsafe hash.update(bytes) }
            do { try unsafe file.append(bytes) } catch { failure = error }
          }
          if let failure { throw failure }
        }
      }
    }
    note(ExportedFile(path: name, bytes: count, sha256: hash.finish(), mediaType: mediaType))
  }

  /// Writes the file `name` whole.
  func write(_ name: String, _ mediaType: String, _ text: String) throws {
    try unsafe write(name, mediaType) { sink in try unsafe Array(text.utf8).withUnsafeBytes(sink) }
  }

  /// Writes a zip archive; its headers are filled in at the end, so it is hashed after it.
  func writeZip(_ name: String, _ members: [StoredZip.Member]) throws {
    try prepare(name) { path in
      let checked = members.map { member in
        member.checking(check)
      }
      try StoredZip.write(checked, to: path)
      let file = try MappedFile(path: path)
      note(
        ExportedFile(
          path: name, bytes: file.count, sha256: SHA256.digest(of: file),
          mediaType: "application/zip"))
    }
  }

  /// Makes the folders above a file, and names the place in what goes wrong.
  private func prepare(_ name: String, _ body: (String) throws -> Void) throws {
    let file = temporary + "/" + name
    do {
      if let slash = file.lastIndex(of: "/") {
        let folder = String(file[..<slash])
        if !folders.withLock({ $0.contains(folder) }) {
          try Self.make(folder, for: file)
          folders.withLock { _ = $0.insert(folder) }
        }
      }
      try body(file)
    } catch let error as FileError where error.path.hasPrefix(temporary) {
      throw FileError(
        error.kind, path: path + error.path.dropFirst(temporary.count), offset: error.offset,
        subject: error.subject, reason: error.reason, systemError: error.systemError)
    }
  }

  private func note(_ file: ExportedFile) { files.withLock { $0.append(file) } }

  /// What was written so far, in the order of paths.
  var written: [ExportedFile] {
    files.withLock { $0 }.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  // MARK: - The end

  /// Puts the folder in its place.
  /// - Throws: `FileError`.
  func commit() throws {
    let old = temporary + ".old"
    if replaces, unsafe rename(path, old) != 0 {
      throw FileError.system(.unwritable, path: path, doing: "replace", code: errno)
    }
    guard unsafe rename(temporary, path) == 0 else {
      let code = errno
      if replaces { unsafe rename(old, path) }
      throw FileError.system(.unwritable, path: path, doing: "rename into place", code: code)
    }
    if replaces { try FileManager.default.removeItem(atPath: old) }
  }

  /// Puts the one file that was written in its place.
  /// - Throws: `FileError`.
  func commit(file: String) throws {
    guard unsafe rename(temporary + "/" + file, path) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "rename into place", code: errno)
    }
    abandon()
  }

  /// Removes what was written.
  func abandon() { try? FileManager.default.removeItem(atPath: temporary) }
}

extension StoredZip.Member {
  /// The same, asking `check` before each piece.
  fileprivate func checking(_ check: @escaping () throws -> Void) -> StoredZip.Member {
    let content = unsafe content
    return unsafe StoredZip.Member(name: name) { sink in
      try unsafe content { bytes in
        try check()
        try unsafe sink(bytes)
      }
    }
  }
}
