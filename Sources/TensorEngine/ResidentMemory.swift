private import CKernels
private import Foundation

/// The memory that the process has resident, by the kernel's account.
package enum ResidentMemory {
  /// Gives back to the system what has been freed and kept.
  package static func trim() { ck_return_freed_memory() }

  /// Lets ``peak()`` begin anew, at what is resident now.
  /// - Returns: whether the kernel allows it.
  package static func resetPeak() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    defer { try? file.close() }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  /// The most that has been resident at a time, in bytes; `nil` where there is no such account.
  package static func peak() -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first
    else { return nil }
    return Int(kibibytes).map { $0 << 10 }
  }
}
