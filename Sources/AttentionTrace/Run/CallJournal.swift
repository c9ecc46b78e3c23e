internal import Foundation
internal import Glibc
internal import TensorEngine

// Unsafe: an array's bytes are written to a file, or read from one, for the length of the call.

/// `calls.jsonl`: one line of JSON for each acknowledged call.
final class CallJournal {
  /// The calls that were there when it was opened.
  let kept: [CallRecord]
  private var file: Int32
  private let path: String
  private let durably: Bool
  private var length: Int
  private let encoder = JSONEncoder()

  /// Opens the journal for appending after its first `keeping` lines, and removes the others.
  init(in run: Directory, keeping: Int, durably: Bool) throws {
    path = run.path(of: RunFolder.journalName)
    self.durably = durably
    let contents = try Self.read(in: run)
    guard contents.records.count >= keeping else {
      throw TraceError.malformed(
        path: path, reason: "holds \(contents.records.count) calls, expected \(keeping) or more")
    }
    kept = Array(contents.records.prefix(keeping))
    length = keeping == 0 ? 0 : contents.ends[keeping - 1]
    file = try run.openFile(RunFolder.journalName, O_WRONLY | O_CREAT | O_APPEND) ?? -1
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard ftruncate(file, length) == 0 else {
      throw TraceError.system(action: "shorten", path: path, code: errno)
    }
  }

  deinit { if file >= 0 { Glibc.close(file) } }

  /// Closes the journal: nothing more is appended.
  func close() throws {
    guard file >= 0 else { return }
    defer { file = -1 }
    try closeWritten(file, path: path)
  }

  /// Appends a line in one write, so that a reader sees all of it or none.
  func append(_ record: CallRecord) throws {
    var line = try encoder.encode(record)
    line.append(UInt8(ascii: "\n"))
    do {
      try unsafe line.withUnsafeBytes { try unsafe writeAll($0, to: file, path: path) }
      if durably { try forceToDisk(file, path: path) }
    } catch {
      ftruncate(file, length)
      throw error
    }
    length += line.count
  }

  /// The calls of a journal, and where each line ends.
  ///
  /// A last line without its end is not a call.
  static func read(in run: Directory) throws -> (records: [CallRecord], ends: [Int]) {
    let contents = try scan(run)
    if let flaw = contents.flaw { throw flaw }
    return (contents.records, contents.ends)
  }

  /// The calls of a journal up to its first bad line, where each line ends, and what is bad there.
  static func scan(
    _ run: Directory
  ) throws -> (records: [CallRecord], ends: [Int], flaw: TraceError?) {
    guard let lines = try JournalLines(in: run) else { return ([], [], nil) }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    var records: [CallRecord] = []
    var predictions: [[Int]: Int] = [:]
    var ends: [Int] = []
    func flaw(_ reason: String) -> TraceError {
      .malformed(
        path: run.path(of: RunFolder.journalName),
        reason: "line \(records.count + 1): \(reason)")
    }
    while let (line, end) = try lines.next() {
      do {
        try StrictJSON.check(line)
        let record = try decoder.decode(CallRecord.self, from: Data(line))
        guard record.call == records.count else {
          let flaw = flaw("call \(record.call), expected \(records.count)")
          return (records, ends, flaw)
        }
        if record.phase == .denoise, record.branch == .conditional,
          let first = predictions.updateValue(record.call, forKey: [record.step, record.attempt])
        {
          let flaw = flaw(
            "call \(record.call) predicts the noise of step \(record.step) for the prompt, as call "
              + "\(first) does; expected one prediction a step")
          return (records, ends, flaw)
        }
        records.append(record)
      } catch {
        return (records, ends, flaw(reason(of: error)))
      }
      ends.append(end)
    }
    return (records, ends, nil)
  }
}

/// The lines of a journal, read a piece at a time.
private final class JournalLines {
  private static let piece = 1 << 16

  private let file: Int32
  private let path: String
  /// What was read and not given yet, and where it begins in the file.
  private var rest: [UInt8] = []
  private var first = 0

  /// `nil` if there is no journal.
  init?(in run: Directory) throws {
    path = run.path(of: RunFolder.journalName)
    guard let file = try run.openFile(RunFolder.journalName, O_RDONLY) else { return nil }
    self.file = file
  }

  deinit { Glibc.close(file) }

  /// The next line that ends, and where it ends in the file.
  /// - Throws: `TraceError`: among others for a line that is far longer than a call's.
  func next() throws -> (line: [UInt8], end: Int)? {
    var searched = 0
    while true {
      if let end = Self.lineEnd(in: rest, from: searched) {
        let line = Array(rest[..<end])
        rest.removeSubrange(...end)
        first += end + 1
        return (line, first)
      }
      searched = rest.count
      guard rest.count <= FileLimit.description.value else {
        throw TraceError.malformed(
          path: path,
          reason: "byte \(first): expected a line of at most \(FileLimit.description.value) bytes"
            + FileLimit.description.advice)
      }
      let more = try read(at: first + rest.count)
      if more.isEmpty { return nil }
      rest += more
    }
  }

  /// Where a line ends; without a loop, which this module would make slowly.
  private static func lineEnd(in bytes: [UInt8], from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
      return unsafe found.map { unsafe UnsafeRawPointer($0) - base }
    }
  }

  private func read(at place: Int) throws -> [UInt8] {
    var code: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { buffer, count in
      var got = 0
      repeat {
        got = unsafe pread(file, buffer.baseAddress, buffer.count, place)
        code = got < 0 ? errno : 0
      } while code == EINTR
      count = max(got, 0)
    }
    if code != 0 { throw TraceError.system(action: "read", path: path, code: code) }
    return bytes
  }
}

/// What a decoder found wrong, in a few words.
func reason(of error: any Error) -> String {
  if let error = error as? FileError {
    return error.reason + (error.offset.map { " (byte \($0))" } ?? "")
  }
  func place(_ path: [any CodingKey]) -> String {
    path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
  }
  func at(_ path: [any CodingKey], _ words: String) -> String {
    path.isEmpty ? words : place(path) + ": " + words
  }
  return switch error as? DecodingError {
  case .keyNotFound(let key, let context)?: place(context.codingPath + [key]) + " is missing"
  case .typeMismatch(let type, let context)?:
    at(context.codingPath, "expected \(kind(of: type)), got another value")
  case .valueNotFound(let type, let context)?:
    at(context.codingPath, "expected \(kind(of: type)), got null")
  case .dataCorrupted(let context)?:
    // Of a number that an integer cannot hold, Foundation says no more than that the JSON is invalid, which it
    // is not: it was checked before.
    context.codingPath.isEmpty
      ? "expected whole numbers of 64 bits where there is a fraction, a number below 0, or one too large"
      : at(context.codingPath, unknownName(context) ?? context.debugDescription)
  default: "\(error)"
  }
}

/// What can stand in the place of a name that an enumeration does not have; `nil` for other faults.
///
/// The decoder says no more than the type: "Cannot initialize Status from invalid String value done".
private func unknownName(_ context: DecodingError.Context) -> String? {
  func names<Name: CaseIterable & RawRepresentable>(_ type: Name.Type) -> [String]
  where Name.RawValue == String { Name.allCases.map(\.rawValue) }
  let known: [String: [String]] = [
    "Status": names(RunManifest.Status.self), "Precision": names(RecordingPlan.Precision.self),
    "Branch": names(Branch.self), "Phase": names(Phase.self),
    "AttentionPoint": names(AttentionPoint.self), "Role": names(EncodedText.Role.self),
    "HeadReduction": names(RecordedSite.HeadReduction.self),
    "Kind": context.codingPath.contains { $0.stringValue == "guidance" }
      ? names(RunManifest.Guidance.Kind.self) : names(AttentionSite.Kind.self),
  ]
  let words = context.debugDescription.split(separator: " ", maxSplits: 7)
  guard words.count == 8, words[0] == "Cannot", let names = known[String(words[2])] else {
    return nil
  }
  return
    "expected one of \(names.joined(separator: ", ")), got \(FileError.quoted(String(words[7])))"
}

/// What a value of a type is in JSON, in words.
private func kind(of type: Any.Type) -> String {
  switch type {
  case is [String: Any].Type: "an object"
  case is [Any].Type: "a list"
  case is String.Type: "a string"
  case is Bool.Type: "true or false"
  case is any BinaryInteger.Type: "a whole number"
  case is any BinaryFloatingPoint.Type: "a number"
  default: "\(type)"
  }
}
