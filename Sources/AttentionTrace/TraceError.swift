internal import Glibc
internal import TensorEngine

// Unsafe: the system's text of an error is copied at once.

/// Errors of recording and reading runs, each described in one line.
public enum TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A system call failed: the action (as in `write`), the path, and errno.
  case system(action: String, path: String, code: Int32)
  /// A layer pattern fits none of the model's sites.
  case unmatchedPattern(String, sites: [String])
  /// An index, or a whole selection, that the model does not have.
  case badSelection(what: String, got: String, expected: String)
  /// The recording needs more disk than there is.
  case doesNotFit(path: String, needed: Int, free: Int)
  /// The folder holds another run: the first field that differs.
  case otherRun(path: String, field: String, here: String, wanted: String)
  /// The folder holds a run in a format that is read and no longer written.
  case oldFormat(path: String, format: Int)
  /// An unfinished run was begun with kernels of another instruction set, whose rounding differs.
  case otherInstructionSet(path: String, here: String, wanted: String)
  /// The folder holds something that is not a run.
  case notARun(path: String)
  /// Neither a folder nor any folder below it is a run.
  case noRun(path: String)
  /// A run is given twice.
  case givenTwice(path: String)
  /// Another process writes into this run; who, where that is known.
  case busy(path: String, holder: LockHolder? = nil)
  /// A process that cannot be asked may write into this run: its file system has no locks, and a lock
  /// file stands there.
  case mayBeBusy(path: String, holder: LockHolder?)
  /// A run that cannot be packed or unpacked, and why.
  case notPackable(path: String, reason: String)
  /// A file of the run cannot be understood.
  case malformed(path: String, reason: String)
  /// A chunk's bytes are not those that were written.
  case checksum(path: String, expected: UInt32, got: UInt32)
  /// A pass makes more calls than the recording has room for.
  case tooManyCalls(path: String, capacity: Int)
  /// The run has no such site or call.
  case notRecorded(path: String, what: String, choices: String)

  /// Whether the error is that another process holds the run, or may hold it.
  package var isOfAnotherWriter: Bool {
    switch self {
    case .busy, .mayBeBusy: true
    default: false
    }
  }

  /// One line: what, where, expected, got, and what to do.
  public var description: String {
    switch self {
    case .system(let action, let path, let code):
      unsafe "cannot \(action) \(path): \(String(cString: strerror(code))) (errno \(code))"
    case .unmatchedPattern(let pattern, let sites):
      "no attention layer matches '\(pattern)'; there are: \(sites.joined(separator: ", "))"
    case .badSelection(let what, let got, let expected):
      "\(what) \(got): expected \(expected)"
    case .doesNotFit(let path, let needed, let free):
      "recording needs \(formatBytes(needed)) (including a reserve of 10 %), but \(path) has "
        + "\(formatBytes(free)) free: record fewer layers, steps or tokens, or choose another disk"
    case .otherRun(let path, let field, let here, let wanted):
      "\(path) holds another run: its \(field) is \(here), not \(wanted); "
        + "choose another output folder or remove it"
    case .oldFormat(let path, let format):
      "\(path) was made by an earlier Heed (run.json has format \(format)): it can be measured and "
        + "drawn, but not resumed or repeated; make the run again in another output folder"
    case .otherInstructionSet(let path, let here, let wanted):
      "\(path) was begun with kernels for \(here), not \(wanted): set HEED_ISA=\(here) to finish it, choose "
        + "another output folder, or remove it"
    case .notARun(let path):
      "\(path) is not empty and has no run.json: choose another output folder"
    case .noRun(let path): "\(path): no run found; a run is a folder with run.json"
    case .givenTwice(let path): "\(path): this run is given twice"
    case .busy(let path, let holder):
      "\(path) is being written by another process"
        + (holder.map { ": \($0)" } ?? "")
    case .mayBeBusy(let path, let holder):
      "\(path) is locked by \(holder?.description ?? "another process") in \(path)/\(RunLock.name), and its file "
        + "system cannot tell whether that process has ended: if it has, remove the file and try again"
    case .notPackable(let path, let reason): "\(path): stays as it is: \(reason)"
    case .malformed(let path, let reason):
      "\(path): \(reason)"
    case .checksum(let path, let expected, let got):
      "\(path) is damaged: CRC-32C is \(hexadecimal(got)), expected \(hexadecimal(expected))"
    case .tooManyCalls(let path, let capacity):
      "\(path): the run makes more than the \(capacity) calls that its recording has room for; start "
        + "the recording with the most calls that the run can make"
    case .notRecorded(let path, let what, let choices):
      "\(path) has no \(what); expected one of \(choices)"
    }
  }
}

/// `0x` and eight digits.
func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
