internal import Glibc

// Unsafe: a call of the system fills a structure of our own.

/// The calls, disk space and memory that a recording needs, known before the first step.
public struct RecordingCost: Hashable, Sendable {
  /// The most calls the run can make: the extent of the store's first axis.
  public let calls: Int
  /// Of these, the calls whose maps are kept.
  public let recordedCalls: Int
  /// Disk in bytes, in whole blocks as file systems count them; an upper bound.
  public let bytesOnDisk: Int
  /// Of these, the bytes of queries.
  public let queryBytes: Int
  /// Files of the run's folder, an upper bound.
  public let files: Int
  /// Working memory in bytes: the pass being made and the one being written.
  public let memory: Int

  /// The cost of several recordings, made one after the other, all of them `times` times.
  public static func total(_ costs: [RecordingCost], times: Int = 1) -> RecordingCost {
    func sum(_ part: (RecordingCost) -> Int) -> Int {
      let product = costs.reduce(0) { $0 + part($1) }.multipliedReportingOverflow(by: times)
      return product.overflow ? .max : product.partialValue
    }
    return RecordingCost(
      calls: sum(\.calls), recordedCalls: sum(\.recordedCalls), bytesOnDisk: sum(\.bytesOnDisk),
      queryBytes: sum(\.queryBytes), files: sum(\.files), memory: costs.map(\.memory).max() ?? 0)
  }

  /// The cost with further files beside the recordings, or with bytes that are there for a while.
  package func adding(bytes: Int, files more: Int = 0) -> RecordingCost {
    let sum = bytesOnDisk.addingReportingOverflow(bytes)
    return RecordingCost(
      calls: calls, recordedCalls: recordedCalls,
      bytesOnDisk: sum.overflow ? .max : sum.partialValue, queryBytes: queryBytes,
      files: files + more, memory: memory)
  }

  /// Refuses a recording that would leave less than a tenth of its size free.
  /// - Parameter path: The folder it goes into, or will be made in.
  /// - Throws: `TraceError.doesNotFit`, or `TraceError.system` if the disk cannot be asked.
  public func check(fits path: String) throws {
    let free = try Self.freeDisk(at: path)
    let needed = bytesOnDisk.addingReportingOverflow(bytesOnDisk / 10)
    let wanted = needed.overflow ? Int.max : needed.partialValue
    if wanted > free { throw TraceError.doesNotFit(path: path, needed: wanted, free: free) }
  }

  /// Bytes that this user may still write at `path` or, if it does not exist, where it would be.
  /// - Throws: `TraceError.system`.
  public static func freeDisk(at path: String) throws -> Int {
    var place = path.isEmpty ? "." : path
    var status = statvfs()
    while unsafe statvfs(place, &status) != 0 {
      guard errno == ENOENT, let parent = parent(of: place) else {
        throw TraceError.system(action: "ask the free space of", path: place, code: errno)
      }
      place = parent
    }
    let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return free.overflow ? Int.max : Int(clamping: free.partialValue)
  }

  /// The folder that holds `path`; `nil` at the top.
  private static func parent(of path: String) -> String? {
    guard path != "/" && path != "." else { return nil }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension RecordingPlan {
  /// The cost of a recording.
  /// - Parameters:
  ///   - sites: The model's attention layers.
  ///   - passes: Every pass the run may make, refinement tries included.
  /// - Returns: Calls, disk and memory.
  public func cost(sites: [AttentionSite], passes: [AttentionPass]) -> RecordingCost {
    let recorded = arrays(of: sites)
    let chunks = recorded.map { $0.count * precision.bytes + 4 }
    let queries = zip(recorded, chunks).filter(\.0.isOfQueries).map(\.1)
    let kept = passes.filter(keeps)
    let branchCounts = kept.map { $0.branches.count { branches.contains($0) } }
    let calls = passes.reduce(0) { $0 + $1.branches.count }
    let recordedCalls = branchCounts.reduce(0, +)
    let perCall = chunks.reduce(0) { $0 + blocks($1) }
    // One folder and one description an array, the coordinates' chunks, and a journal line a call.
    let folders = (recorded.count + 12) * (blocks(1) * 2)
    let coordinateChunks = CallCoordinate.allCases.count * (calls / CallCoordinate.chunk + 1)
    let coordinates = coordinateChunks * blocks(1)
    let lines = blocks(calls * (256 + recorded.reduce(0) { $0 + $1.name.utf8.count + 16 }))
    return RecordingCost(
      calls: calls, recordedCalls: recordedCalls,
      bytesOnDisk: recordedCalls * perCall + folders + coordinates + lines,
      queryBytes: recordedCalls * queries.reduce(0) { $0 + blocks($1) },
      // A description of each array and of the store; manifest, journal, losses, latent, picture.
      files: recordedCalls * recorded.count + recorded.count + 12 + coordinateChunks + 6,
      memory: 2 * (branchCounts.max() ?? 0) * chunks.reduce(0, +))
  }

  /// `bytes` rounded up to file system blocks.
  private func blocks(_ bytes: Int) -> Int { (bytes + 4095) / 4096 * 4096 }
}
