// Unsafe: lines of a file are found by address.

private import Foundation
internal import TensorEngine

/// A file of scores, a line a picture, that grows while pictures are scored.
package struct ScoreFile {
  private let path: String
  /// What is in it, in the order in which it was written.
  package private(set) var scores: [PictureScore]

  /// The most bytes of a file that is read.
  private static let sizeLimit = 1 << 30

  /// Opens the file at `path`, or begins it.
  ///
  /// A last line that was cut off, as by a killed process, is dropped: its picture is scored again. A file
  /// without any other line is left as it is: it may be another's.
  /// - Throws: `FileError`, also where the file or its folder is a symbolic link.
  package init(continuing path: String) throws {
    self.path = path
    try Self.refuseLink(Self.folder(of: path))
    try Self.refuseLink(path)
    guard FileManager.default.fileExists(atPath: path) else {
      scores = []
      return
    }
    let (scores, end) = try Self.read(path)
    self.scores = scores
    guard let end else { return }
    guard end > 0 else {
      throw FileError(
        .malformed, path: path, subject: "line 1",
        reason: "expected the score of a picture, got a line that is cut off; remove the file to "
          + "begin it again")
    }
    try GrowingFile.cut(path, at: end)
  }

  /// What is in the files of `folder`, in the order of their names.
  /// - Parameter continued: the files whose last line may be cut off, as they are to be written on.
  /// - Throws: `FileError`, also for a last line that is cut off, and where the folder or a file in it is a
  ///   symbolic link.
  package static func all(
    in folder: String, continuing continued: [String] = []
  ) throws -> [PictureScore] {
    try refuseLink(folder)
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return try names.filter { $0.hasSuffix(".jsonl") && !$0.hasPrefix(".") }.flatMap { name in
      let path = folder + "/" + name
      let (scores, end) = try read(path)
      guard end == nil || continued.contains(path) else {
        throw FileError(
          .malformed, path: path, subject: "line \(scores.count + 1)",
          reason: "is cut off; run the command that writes it again")
      }
      return scores
    }
  }

  /// Adds scores at the end, all of them or none.
  /// - Throws: `FileError`.
  package mutating func append(_ scores: [PictureScore]) throws {
    guard !scores.isEmpty else { return }
    try OutputFolder.make(Self.folder(of: path))
    try GrowingFile.append([UInt8](try Self.lines(scores)), to: path)
    self.scores += scores
  }

  /// Puts scores in the places of those of the same pictures, and the others at the end, all or none.
  /// - Returns: how many were replaced.
  /// - Throws: `FileError`.
  package mutating func replace(_ scores: [PictureScore]) throws -> Int {
    func picture(_ score: PictureScore) -> [String] { [score.id, score.method, "\(score.seed)"] }
    let new = Set(scores.map(picture))
    let kept = self.scores.filter { !new.contains(picture($0)) }
    let replaced = self.scores.count - kept.count
    try OutputFolder.make(Self.folder(of: path))
    try writeAtomically(Array(try Self.lines(kept + scores)), to: path)
    self.scores = kept + scores
    return replaced
  }

  private static func folder(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
  }

  /// Refuses a link in a benchmark that a stranger made: what it leads to would be read or written.
  private static func refuseLink(_ path: String) throws {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    if facts?[.type] as? FileAttributeType == .typeSymbolicLink { throw MappedFile.link(path) }
  }

  private static func lines(_ scores: [PictureScore]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var lines = Data()
    for score in scores {
      lines += try encoder.encode(score)
      lines.append(UInt8(ascii: "\n"))
    }
    return lines
  }

  /// The whole lines of a file, and where a last one that is cut off begins.
  private static func read(_ path: String) throws -> (scores: [PictureScore], cutOff: Int?) {
    let file = try MappedFile(path: path, within: folder(of: path))
    guard file.count <= sizeLimit else {
      throw FileError(
        .malformed, path: path, reason: "expected at most \(sizeLimit) bytes, got \(file.count)")
    }
    return try unsafe file.withBytes { bytes in
      var scores: [PictureScore] = []
      var start = 0
      while start < bytes.count {
        let rest = unsafe UnsafeRawBufferPointer(
          rebasing: bytes[start..<min(bytes.count, start + longest + 1)])
        let place = unsafe rest.baseAddress.flatMap { base in
          unsafe memchr(base, Int32(UInt8(ascii: "\n")), rest.count).map { found in
            unsafe UnsafeRawPointer(found) - base
          }
        }
        guard let length = place else {
          guard rest.count <= longest else {
            throw FileError(
              .malformed, path: path, subject: "line \(scores.count + 1)",
              reason: "expected at most \(longest) bytes" + FileLimit.description.advice)
          }
          return (scores, start)
        }
        scores.append(
          try score(unsafe [UInt8](rest[..<length]), path, line: scores.count + 1))
        start += length + 1
      }
      return (scores, nil)
    }
  }

  /// The longest line.
  private static var longest: Int { FileLimit.description.value }

  private static func score(_ bytes: [UInt8], _ path: String, line: Int) throws -> PictureScore {
    // The decoder takes keys that are there twice, and other things that are no JSON.
    guard (try? StrictJSON.check(bytes)) != nil,
      let score = try? JSONDecoder().decode(PictureScore.self, from: Data(bytes)), score.isSound
    else {
      throw FileError(
        .malformed, path: path, subject: "line \(line)",
        reason: "expected the score of a picture, got something else")
    }
    return score
  }
}
