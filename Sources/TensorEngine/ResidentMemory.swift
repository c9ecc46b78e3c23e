private import CKernels
private import Foundation

/// The memory that the process has resident, by the kernel's account.
package enum ResidentMemory {
  /// Gives back to the system what has been freed and kept, if ``Engine/keepFreedMemory()`` keeps it.
  package static func trim() {
    if Engine.keepsFreedMemory { ck_return_freed_memory() }
  }

  /// Lets ``peak()`` begin again, at what is resident now.
  /// - Returns: whether the kernel allows it.
  package static func resetPeak() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    defer { try? file.close() }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  /// The most that has been resident at a time, in bytes; `nil` where there is no such account.
  package static func peak() -> Int? { entry("VmHWM:", of: "/proc/self/status") }

  /// What the system can still give without swapping, in bytes; `nil` where there is no such account.
  package static func available() -> Int? { entry("MemAvailable:", of: "/proc/meminfo") }

  /// A line of a file in `/proc` that tells kibibytes, in bytes.
  static func entry(_ title: String, of path: String) -> Int? {
    count(title, of: path).map { $0 << 10 }
  }

  /// The number behind a title, at the beginning of a line of one of the kernel's files.
  static func count(_ title: String, of path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      if words.count > 1, words[0] == title { return Int(words[1]) }
    }
    return nil
  }
}
