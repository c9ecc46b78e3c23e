private import Foundation
private import Glibc
internal import TensorEngine

// Unsafe: the system takes paths for the length of a call.

/// A folder that is written beside its place, where it appears only once it is whole.
final class StagedFolder {
  private let path: String
  private let temporary: String
  private var made: Set<String> = []

  /// Begins a folder for `path`, which is not there, or an empty folder.
  /// - Throws: `FileError`.
  init(_ path: String) throws {
    var status = stat()
    if unsafe lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError(.unwritable, path: path, reason: "exists and is not a folder")
      }
      guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
        throw FileError(.unwritable, path: path, reason: "is not empty: choose another folder")
      }
    }
    let place = URL(fileURLWithPath: path).standardizedFileURL
    let parent = place.deletingLastPathComponent().path
    let stem = String(decoding: place.lastPathComponent.utf8.prefix(200), as: UTF8.self)
    let salt = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    self.path = path
    temporary = "\(parent)/.\(stem).\(getpid()).\(salt).tmp"
    try OutputFolder.make(parent)
    guard unsafe mkdir(temporary, 0o777) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "create", code: errno)
    }
  }

  /// The path of a file to be written, in folders that are made where they lack.
  /// - Parameter place: names from the outermost folder to the file; none is a path.
  func file(_ place: [String]) throws -> String {
    let folder = ([temporary] + place.dropLast()).joined(separator: "/")
    if !made.contains(folder) {
      try OutputFolder.make(folder)
      made.insert(folder)
    }
    return folder + "/" + (place.last ?? "")
  }

  /// Puts the folder in its place.
  /// - Throws: `FileError`.
  func commit() throws {
    guard unsafe rename(temporary, path) == 0 else {
      throw FileError.system(.unwritable, path: path, doing: "rename into place", code: errno)
    }
  }

  /// An error that names files by the place that they were to have.
  func renamed(_ error: any Error) -> any Error {
    guard let error = error as? FileError, error.path.hasPrefix(temporary) else { return error }
    return FileError(
      error.kind, path: path + error.path.dropFirst(temporary.count), offset: error.offset,
      subject: error.subject, reason: error.reason, systemError: error.systemError)
  }

  /// Removes what was written.
  func abandon() { try? FileManager.default.removeItem(atPath: temporary) }
}
