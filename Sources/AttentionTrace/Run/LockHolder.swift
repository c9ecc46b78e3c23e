internal import Foundation
internal import Glibc

// Unsafe: calls of the system fill buffers of our own, and names are copied out of them at once.

/// The process that holds a run's folder, as its lock file names it.
public struct LockHolder: Codable, Hashable, Sendable, CustomStringConvertible {
  /// The name of its machine.
  public let host: String
  /// Its number there.
  public let process: Int32
  /// The start of its machine, as the kernel names it: a new one each time; empty where it has no name.
  let boot: String
  /// The space of numbers that `process` is of: containers on one machine have their own.
  let numbers: String
  /// When it began, in the kernel's ticks since the machine started: a number is given again to later
  /// processes.
  let began: String
  /// Whether the lock is that the file exists, since its file system has no locks.
  let isByExistence: Bool

  /// This process.
  init(isByExistence: Bool) {
    var name = [CChar](repeating: 0, count: 256)
    unsafe gethostname(&name, name.count - 1)
    host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    process = getpid()
    boot = Self.boot
    numbers = Self.numbers
    began = Self.beginning(of: getpid())
    self.isByExistence = isByExistence
  }

  /// Whether the process is certain to have ended: it is of this machine since its last start, and of the
  /// same numbers, and none of its number is there, or a later one.
  var hasEnded: Bool {
    let here = LockHolder(isByExistence: isByExistence)
    guard !boot.isEmpty, !numbers.isEmpty, process > 0, host == here.host, boot == here.boot,
      numbers == here.numbers
    else { return false }
    if kill(process, 0) != 0, errno == ESRCH { return true }
    let now = Self.beginning(of: process)
    return !began.isEmpty && !now.isEmpty && now != began
  }

  /// `process 4711 on node7`.
  public var description: String { "process \(process) on \(host)" }

  private static var boot: String {
    let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  }

  private static var numbers: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
  }

  /// The field `starttime` of a process's state, proc(5); empty where it cannot be read.
  private static func beginning(of process: Int32) -> String {
    let state = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    // The name stands in parentheses, and may hold spaces.
    guard let end = state.lastIndex(of: ")") else { return "" }
    let fields = state[end...].split(separator: " ")
    return fields.count > 20 ? String(fields[20]) : ""
  }
}
