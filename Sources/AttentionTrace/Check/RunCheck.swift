internal import Foundation
internal import TensorEngine

/// The result of checking every file of a run against the others.
///
/// A run that is being written, or was interrupted, is checked as far as its calls were acknowledged.
public struct RunCheck: Sendable {
  /// An error in a file.
  public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// The file's path.
    public let file: String
    /// What is wrong with it, what was expected.
    public let reason: String

    /// `file: reason`.
    public var description: String { "\(file): \(reason)" }
  }

  /// The run.
  public let folder: RunFolder
  /// Whether the run says that it reached its end; `nil` where it cannot be told.
  public internal(set) var status: RunManifest.Status?
  /// Acknowledged calls.
  public internal(set) var calls = 0
  /// Chunks of maps and queries that were there and read.
  public internal(set) var chunks = 0
  /// Acknowledged chunks that are missing; each is a problem.
  public internal(set) var missing = 0
  /// Rows over tokens (or keys) whose sum was compared with 1.
  public internal(set) var rows = 0
  /// By file, in the order in which files are read.
  public internal(set) var problems: [Problem] = []

  /// How far a row's sum may be from 1: 10⁻⁵ for what the softmax computes in float32, and for
  /// float16 what rounding can add, 2⁻¹¹ of the sum and 2⁻²⁵ for each of `keys` numbers too small
  /// for that.
  package static func tolerance(_ precision: RecordingPlan.Precision, keys: Int) -> Double {
    precision == .float32 ? 1e-5 : 1e-5 + 0x1p-11 + Double(keys) * 0x1p-25
  }

  /// Checks the run in the folder at `path`; what is wrong with it becomes a problem, not an error.
  /// - Throws: `TraceError.system` if there is no folder, or no `run.json` in it.
  public init(_ path: String) throws {
    folder = RunFolder(path: path)
    let directory = try Directory(path: path)
    guard directory.has(RunFolder.manifestName) else {
      throw TraceError.system(action: "read", path: folder.manifest, code: 2)
    }
    let manifest = attempt(folder.manifest) { try RunManifest.read(in: directory) } ?? nil
    status = manifest?.status
    let journal = attempt(folder.journal) { try CallJournal.scan(directory) }
    if let flaw = journal?.flaw { add(flaw, folder.journal) }
    let records = journal?.records ?? []
    calls = records.count
    guard let manifest else { return }
    let scope = Scope(
      directory: directory, manifest: manifest, records: records,
      journalIsWhole: journal.map { $0.flaw == nil } ?? false)
    check(scope.manifest)
    checkJournal(scope)
    checkStore(scope)
    if manifest.status == .complete { checkResults(scope) }
  }

  /// What parts of a check share.
  struct Scope {
    let directory: Directory
    let manifest: RunManifest
    /// The acknowledged calls, or those before the journal's first bad line.
    let records: [CallRecord]
    let journalIsWhole: Bool

    var isComplete: Bool { manifest.status == .complete }
  }

  mutating func add(_ file: String, _ reason: String) {
    problems.append(Problem(file: file, reason: reason))
  }

  /// Adds an error that reading `file` threw.
  mutating func add(_ error: any Error, _ file: String) {
    switch error as? TraceError {
    case .malformed(let path, let reason)?: add(path, reason)
    case .checksum(let path, _, _)?:
      add(path, String("\(error)".dropFirst(path.count + 1)))
    default: add(file, error is FileError ? AttentionTrace.reason(of: error) : "\(error)")
    }
  }

  /// What `body` gives; an error becomes a problem of `file`.
  mutating func attempt<Value>(_ file: String, _ body: () throws -> Value) -> Value? {
    do { return try body() } catch {
      add(error, file)
      return nil
    }
  }
}
