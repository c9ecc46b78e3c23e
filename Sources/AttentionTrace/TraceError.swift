internal import Glibc

/// What can go wrong between a run's attention and its folder, each in one line.
public enum TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system refused: what was tried (as in `write`), on which path, and its errno.
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
  /// The folder holds something that is no run.
  case notARun(path: String)
  /// Another process writes into this run.
  case busy(path: String)
  /// A file of the run cannot be understood.
  case malformed(path: String, reason: String)
  /// A chunk's bytes are not those that were written.
  case checksum(path: String, expected: UInt32, got: UInt32)
  /// The run has no such site or call.
  case notRecorded(path: String, what: String, choices: String)

  /// One line: what, where, expected, got, and what to do.
  public var description: String {
    switch self {
    case .system(let action, let path, let code):
      "cannot \(action) \(path): \(String(cString: strerror(code))) (errno \(code))"
    case .unmatchedPattern(let pattern, let sites):
      "no attention layer matches '\(pattern)'; there are: \(sites.joined(separator: ", "))"
    case .badSelection(let what, let got, let expected):
      "\(what) \(got): expected \(expected)"
    case .doesNotFit(let path, let needed, let free):
      "recording needs \(formatBytes(needed)) with a tenth in reserve, but \(path) has "
        + "\(formatBytes(free)) free: record fewer layers, steps or tokens, or choose another disk"
    case .otherRun(let path, let field, let here, let wanted):
      "\(path) holds another run: \(field) is \(here) there, wanted \(wanted); "
        + "choose another output folder or remove it"
    case .oldFormat(let path, let format):
      "\(path) was made by an earlier Heed (run.json has format \(format)): it can be measured and "
        + "drawn, but not resumed or repeated; make the run anew in another output folder"
    case .notARun(let path):
      "\(path) is not empty and has no run.json: choose another output folder"
    case .busy(let path):
      "\(path) is being written by another process"
    case .malformed(let path, let reason):
      "\(path): \(reason)"
    case .checksum(let path, let expected, let got):
      "\(path) is damaged: CRC-32C is \(hexadecimal(got)), expected \(hexadecimal(expected))"
    case .notRecorded(let path, let what, let choices):
      "\(path) has no \(what); there are: \(choices)"
    }
  }
}

/// A size in the largest binary unit that it fills, as in `1.5 GiB`.
package func formatBytes(_ bytes: Int) -> String {
  let units = ["KiB", "MiB", "GiB", "TiB"]
  guard bytes >= 1024 else { return "\(bytes) B" }
  var value = Double(bytes)
  var unit = ""
  for next in units where value >= 1024 {
    value /= 1024
    unit = next
  }
  return "\((value * 10).rounded() / 10) \(unit)"
}

/// `0x` and eight digits.
private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
