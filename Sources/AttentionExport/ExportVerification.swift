internal import AttentionAnalysis
internal import AttentionTrace
internal import Foundation
internal import Synchronization
internal import TensorEngine

// Unsafe: calls of the system take paths and a structure of our own for the length of the call.

/// An export compared with its manifest: which files are missing, changed or extra.
package struct ExportVerification: Hashable, Sendable {
  /// Files of the manifest that are missing.
  package let missing: [String]
  /// Files that differ from the manifest, and how.
  package let changed: [String: String]
  /// Files that the manifest does not list.
  package let extra: [String]
  /// How many files are unchanged.
  package let unchanged: Int

  /// Whether every file is unchanged, and no file is missing or extra.
  package var isSound: Bool { missing.isEmpty && changed.isEmpty && extra.isEmpty }

  /// `SHA256SUMS`, as `sha256sum --check` reads it; it covers the manifest too.
  static let sumsName = "SHA256SUMS"

  /// Reads the manifest of the export at `path`, lists the folder and hashes every file.
  /// - Throws: `FileError`: no manifest, or one that is malformed, of an unknown version, or lies.
  package init(of path: String) throws { try self.init(of: path, hashing: true) }

  /// - Parameter hashing: Whether files are read, or only listed.
  init(of path: String, hashing: Bool) throws {
    let folder = try ListedFolder(path)
    let manifest = try ListedExport(path + "/" + ExportManifest.name)
    var listed = manifest.files
    if hashing || folder.files[Self.sumsName] != nil {
      for (name, digest) in try Self.sums(path + "/" + Self.sumsName, manifest) {
        listed[name] = listed[name] ?? ListedExport.File(bytes: nil, sha256: digest)
      }
    }
    missing = listed.keys.filter { folder.files[$0] == nil }.sorted()
    extra = folder.files.keys.filter { listed[$0] == nil && $0 != Self.sumsName }.sorted()
    let there = listed.keys.filter { folder.files[$0] != nil }.sorted()
    let changes = Mutex<[String: String]>([:])
    let failure = Mutex<(any Error)?>(nil)
    Parallel.sideBySide(hashing ? there.count : 0, atATime: there.count) { index in
      let name = there[index]
      do {
        guard let file = listed[name], let kind = folder.files[name] else { return }
        if let change = try file.change(at: path + "/" + name, kind) {
          changes.withLock { $0[name] = change }
        }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    changed = changes.withLock { $0 }
    unchanged = there.count - changed.count
  }

  /// The digests of `SHA256SUMS`, which must list what the manifest does, and the manifest.
  private static func sums(
    _ path: String, _ manifest: ListedExport
  ) throws -> [String: String] {
    let file = try MappedFile(path: path)
    try FileLimit.description.require(file)
    let text = unsafe file.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    var sums: [String: String] = [:]
    for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      let parts = (line.prefix(64), line.dropFirst(64))
      guard parts.0.isDigest, parts.1.hasPrefix("  "), parts.1.count > 2,
        sums.updateValue(String(parts.0), forKey: String(parts.1.dropFirst(2))) == nil
      else {
        throw FileError(
          .malformed, path: path, subject: "line \(number + 1)",
          reason: "expected a SHA-256, two spaces and the name of one more file")
      }
    }
    for name in Set(sums.keys).union(manifest.files.keys).sorted()
    where name != ExportManifest.name && sums[name] != manifest.files[name]?.sha256 {
      throw FileError(
        .malformed, path: path, subject: name,
        reason: "says \(sums[name] ?? "nothing"), but \(ExportManifest.name) says "
          + "\(manifest.files[name]?.sha256 ?? "nothing")")
    }
    guard sums[ExportManifest.name] != nil else {
      throw FileError(.malformed, path: path, reason: "expected \(ExportManifest.name), got none")
    }
    return sums
  }
}

/// The files of a folder and of those in it, as they stand there.
private struct ListedFolder {
  enum Kind { case file, other }

  var files: [String: Kind] = [:]

  init(_ path: String) throws {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      throw FileError.system(.missing, path: path, doing: "open", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR,
      let walk = FileManager.default.enumerator(atPath: path)
    else { throw FileError(.missing, path: path, reason: "expected the folder of an export") }
    while let name = walk.nextObject() as? String {
      guard unsafe lstat(path + "/" + name, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: continue
      case S_IFREG: files[name] = .file
      default: files[name] = .other
      }
    }
  }
}

/// The contents of a manifest, which is untrusted input.
private struct ListedExport {
  struct File {
    /// `nil` where only the digest is known.
    let bytes: Int?
    let sha256: String

    /// In what the file at `path` differs, in words; `nil` if in nothing.
    func change(at path: String, _ kind: ListedFolder.Kind) throws -> String? {
      guard kind == .file else { return "is not a regular file" }
      var status = stat()
      guard unsafe lstat(path, &status) == 0 else {
        throw FileError.system(.unreadable, path: path, doing: "read", code: errno)
      }
      if let bytes, status.st_size != bytes {
        return "\(status.st_size) bytes, expected \(bytes)"
      }
      // An empty file cannot be mapped.
      let digest =
        status.st_size == 0 ? SHA256().finish() : SHA256.digest(of: try MappedFile(path: path))
      return digest == sha256 ? nil : "SHA-256 is \(digest), expected \(sha256)"
    }
  }

  private(set) var files: [String: File] = [:]
  /// The folders that files are in; an array of a store has its own, with its description in it.
  private let folders: Set<String>

  init(_ path: String) throws {
    let document = try StrictJSON.read(path: path)
    let format = try document.member("format")
    guard try format.string() == ExportManifest.format else {
      throw format.failure("expected \"\(ExportManifest.format)\": this is not an export of heed")
    }
    let version = try document.member("format_version")
    let readable = ExportManifest.readableVersions
    guard readable.contains(try version.integer()) else {
      throw version.failure(
        "version \(try version.integer()), expected \(readable.lowerBound) to "
          + "\(readable.upperBound): written by another Heed", kind: .unsupported)
    }
    for entry in try document.member("files").elements() {
      let name = try entry.member("path")
      guard Self.isSound(try name.string()) else {
        throw name.failure("\(FileError.quoted(try name.string())) leads out of the folder")
      }
      let bytes = try entry.member("bytes")
      guard try bytes.integer() >= 0 else { throw bytes.failure("expected 0 or more") }
      let digest = try entry.member("sha256")
      guard try digest.string()[...].isDigest else {
        throw digest.failure("expected 64 hexadecimal digits in lower case")
      }
      let file = File(bytes: try bytes.integer(), sha256: try digest.string())
      guard files.updateValue(file, forKey: try name.string()) == nil else {
        throw name.failure("is listed twice")
      }
    }
    folders = Set(
      files.keys.compactMap { name in
        name.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(name[..<$0]) }
      })
    for array in try document.member("arrays").elements() { try check(array) }
  }

  /// Whether a name stays in the folder and is in the only form it can have.
  private static func isSound(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return !parts.isEmpty && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && name.utf8.count <= 4096 && !name.utf8.contains(0) && name != ExportManifest.name
      && name != ExportVerification.sumsName
  }

  /// An array must be in files that are listed, and these as large as it is.
  private func check(_ array: JSONNode) throws {
    let dtype = try array.member("dtype")
    let type = ZarrType(rawValue: try dtype.string())
    guard try type != nil || dtype.string() == ExportedType.textName else {
      throw dtype.failure("expected a type, got \(FileError.quoted(try dtype.string()))")
    }
    var size = type?.bytes ?? 1
    var shape: [Int] = []
    for axis in try array.member("axes").elements() {
      let extent = try axis.member("size")
      let (product, overflow) = size.multipliedReportingOverflow(by: try extent.integer())
      guard !overflow, try extent.integer() > 0 else { throw extent.failure("expected an extent") }
      size = product
      shape.append(try extent.integer())
    }
    let places = try array.member("files")
    for format in try places.object().keys {
      let place = try places.member(format)
      let path = try place.string()
      let isStore = path.hasSuffix("/\(try array.member("name").string())")
      guard
        files[path] != nil || isStore && folders.contains(path)
      else { throw place.failure("\(FileError.quoted(path)) is not among the files") }
      // How long texts are is not told.
      guard format == "npy", let type, let bytes = files[path]?.bytes else { continue }
      let description = ExportedType.number(type).numpy
      let expected = NumpyFile.header(description: description, shape: shape).count + size
      guard bytes == expected else {
        throw place.failure("is \(bytes) bytes, but an array of \(shape) takes \(expected)")
      }
    }
  }
}

extension Substring {
  /// Whether this is a SHA-256 in lower case.
  fileprivate var isDigest: Bool {
    utf8.count == 64
      && utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }
}
