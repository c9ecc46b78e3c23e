internal import Foundation
internal import Glibc

// Unsafe: an array's bytes are written to a file for the length of the call.

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
    guard let bytes = try run.read(RunFolder.journalName) else { return ([], [], nil) }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    var records: [CallRecord] = []
    var predictions: [[Int]: Int] = [:]
    var ends: [Int] = []
    var start = 0
    func flaw(_ reason: String) -> TraceError {
      .malformed(
        path: run.path(of: RunFolder.journalName),
        reason: "line \(records.count + 1): \(reason)")
    }
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      do {
        let record = try decoder.decode(CallRecord.self, from: Data(bytes[start..<end]))
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
      start = end + 1
      ends.append(start)
    }
    return (records, ends, nil)
  }
}

/// What a decoder found wrong, in a few words.
func reason(of error: any Error) -> String {
  func place(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
  }
  return switch error as? DecodingError {
  case .keyNotFound(let key, let context)?:
    "\((context.codingPath + [key]).map(\.stringValue).joined(separator: ".")) is missing"
  case .typeMismatch(let type, let context)?: "\(place(context)): expected \(type)"
  case .valueNotFound(let type, let context)?: "\(place(context)): expected \(type), got null"
  case .dataCorrupted(let context)?:
    context.codingPath.isEmpty ? "not JSON" : "\(place(context)): \(context.debugDescription)"
  default: "\(error)"
  }
}
