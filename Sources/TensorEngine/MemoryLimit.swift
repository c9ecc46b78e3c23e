private import Foundation
private import Glibc

// Unsafe: the system writes a limit into a structure that is lent.

/// What bounds the memory of the process, and how much of it is left.
package struct MemoryLimit: Sendable, Equatable {
  /// What is counted: what the process keeps resident, or every address that it maps.
  package enum Measure: Sendable { case resident, addresses }

  /// What sets the limit, as its user knows it.
  package let name: String
  package let measure: Measure
  /// What the process may have in all, in bytes.
  package let total: Int
  /// What of it is not taken yet, in bytes; 0 and more.
  package let left: Int

  package init(name: String, measure: Measure, total: Int, left: Int) {
    (self.name, self.measure, self.total, self.left) = (name, measure, total, max(0, left))
  }

  /// Every limit on this process: the system's free memory, `RLIMIT_AS`, `RLIMIT_DATA`, its cgroups' and
  /// ``Engine/maximumMemory``.
  package static func all() -> [MemoryLimit] {
    let system = ResidentMemory.available().map {
      MemoryLimit(name: "free memory", measure: .resident, total: $0, left: $0)
    }
    let asked = Engine.maximumMemory.map { most in
      let used = ResidentMemory.entry("RssAnon:", of: "/proc/self/status") ?? 0
      return MemoryLimit(
        name: "--max-memory", measure: .resident, total: most, left: most - used)
    }
    return [system, ofGroups(), asked].compactMap(\.self) + ofAddresses()
  }

  /// Whether the system counts addresses against a limit.
  package static var boundsAddresses: Bool { !ofAddresses().isEmpty }

  private static func ofAddresses() -> [MemoryLimit] {
    [
      limit(RLIMIT_AS, named: "ulimit -v", used: "VmSize:"),
      limit(RLIMIT_DATA, named: "ulimit -d", used: "VmData:"),
    ].compactMap(\.self)
  }

  /// What a thread's stack takes of the addresses, in bytes.
  package static var stack: Int {
    var limit = rlimit()
    guard unsafe getrlimit(Int32(RLIMIT_STACK.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max
    else {
      return 8 << 20
    }
    return Int(clamping: limit.rlim_cur)
  }

  private static func limit(
    _ resource: __rlimit_resource, named name: String, used entry: String
  ) -> MemoryLimit? {
    var limit = rlimit()
    guard unsafe getrlimit(Int32(resource.rawValue), &limit) == 0,
      let total = Int(exactly: limit.rlim_cur),
      let used = ResidentMemory.entry(entry, of: "/proc/self/status")
    else { return nil }
    return MemoryLimit(name: name, measure: .addresses, total: total, left: total - used)
  }
}

// MARK: - Control groups

extension MemoryLimit {
  /// The least that the process's control group, or one above it, leaves; `nil` where none has a limit.
  ///
  /// Pages of files that can be dropped at once count as free.
  ///
  /// - Parameters:
  ///   - process: the file that names the groups of the process.
  ///   - root: where the hierarchies of groups are mounted.
  /// - Reference: Linux `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
  package static func ofGroups(
    process: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup"
  ) -> MemoryLimit? {
    guard let text = try? String(contentsOfFile: process, encoding: .utf8) else { return nil }
    let groups = text.split(separator: "\n").compactMap { line -> [MemoryLimit]? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      let path = String(parts[2])
      if parts[0] == "0" {
        return limits(
          at: path, below: [root, root + "/unified"], most: "memory.max", used: "memory.current",
          droppable: "inactive_file")
      }
      guard parts[1].split(separator: ",").contains("memory") else { return nil }
      return limits(
        at: path, below: [root + "/memory"], most: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes", droppable: "total_inactive_file")
    }
    return groups.joined().min { $0.left < $1.left }
  }

  private static func limits(
    at path: String, below roots: [String], most: String, used: String, droppable: String
  ) -> [MemoryLimit] {
    var names = path.split(separator: "/").map(String.init)
    var found: [MemoryLimit] = []
    // Within a container the group's own path may not be there, while the mounted root is its group.
    while true {
      for root in roots {
        let folder = ([root] + names).joined(separator: "/")
        guard let total = number("\(folder)/\(most)"), total < unlimited,
          let taken = number("\(folder)/\(used)")
        else { continue }
        let cached = ResidentMemory.count(droppable, of: "\(folder)/memory.stat") ?? 0
        found.append(
          MemoryLimit(
            name: "\(folder)/\(most)", measure: .resident, total: total,
            left: total - taken + cached))
      }
      guard names.popLast() != nil else { return found }
    }
  }

  /// What the first version of control groups says where there is no limit begins here.
  private static let unlimited = 1 << 60

  private static func number(_ path: String) -> Int? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }
}
