internal import CKernels
internal import Foundation
public import TensorEngine

/// A run read from its folder, with no model at hand.
///
/// Reads a finished run as well as one that was cut off or is still being written; it holds the
/// calls that were acknowledged when it was opened.
public struct RecordedRun: Sendable {
  /// The folder and the names in it.
  public let folder: RunFolder
  /// All that made the run.
  public let manifest: RunManifest
  /// The acknowledged calls, in order.
  public let calls: [CallRecord]
  /// The sites whose maps are in the store, in the model's order.
  public let sites: [RecordedSite]
  /// How the maps are stored.
  public let precision: RecordingPlan.Precision
  private let directories: [String: Directory]

  /// Opens the run in the folder at `path`.
  /// - Throws: `TraceError`: no run there, or `run.json`, `calls.jsonl` or the store's description
  ///   cannot be read.
  public init(_ path: String) throws {
    folder = RunFolder(path: path)
    let directory = try Directory(path: path)
    guard let manifest = try RunManifest.read(in: directory) else {
      throw TraceError.system(action: "read", path: folder.manifest, code: 2)
    }
    self.manifest = manifest
    calls = try CallJournal.read(in: directory).records
    guard let store = try directory.folder(RunFolder.storeName),
      let attributes = try Self.attributes(of: store)
    else {
      (sites, precision, directories) = ([], manifest.plan?.precision ?? .float16, [:])
      return
    }
    sites = attributes.sites
    precision = attributes.precision
    var directories: [String: Directory] = [:]
    for site in attributes.sites {
      directories[site.site.path] = try store.folder(site.site.path)
    }
    self.directories = directories
  }

  /// The attributes at the top of a store, checked; `nil` before they were first written.
  private static func attributes(of store: Directory) throws -> StoreAttributes? {
    struct Group: Decodable { let attributes: StoreAttributes }
    guard let bytes = try store.read("zarr.json") else { return nil }
    let path = store.path(of: "zarr.json")
    do {
      let attributes = try JSONDecoder().decode(Group.self, from: Data(bytes)).attributes
      for site in attributes.sites where !site.isSound {
        throw TraceError.malformed(path: path, reason: "impossible site '\(site.site.path)'")
      }
      return attributes
    } catch let error as DecodingError {
      throw TraceError.malformed(path: path, reason: reason(of: error))
    }
  }

  /// The calls that predicted the noise for the prompt, in the order of the steps.
  public var noisePredictions: [CallRecord] {
    calls.filter { $0.phase == .denoise && $0.branch == .conditional }
  }

  /// Tries of iterative refinement, by step; steps without are left out.
  public var refinementTries: [Int: Int] {
    Dictionary(
      calls.filter { $0.phase == .loss && $0.attempt > 0 }.map { ($0.step, $0.attempt) },
      uniquingKeysWith: max)
  }

  /// The calls that an objective measured, with their losses and largest attentions.
  public var losses: LossTable { LossTable(calls: calls, subjects: manifest.subjects) }

  /// The calls whose maps of `site` were acknowledged, but whose chunk is gone.
  public func missingChunks(of site: String) -> Set<Int> {
    guard let directory = directories[site] else { return [] }
    return Set(
      calls.filter {
        $0.checksums[site] != nil && !directory.has(AttentionStore.chunkName($0.call))
      }.map(\.call))
  }

  /// The maps of a site in a call, `[head, row, column, token]`; `nil` if they were not recorded.
  ///
  /// The first and last axis are the site's `heads` and `tokens` in ``sites``. The chunk's checksum
  /// is compared with its own and with the journal's.
  /// - Throws: `TraceError`: no such site or call, a chunk that is damaged, or one that is gone
  ///   although it was acknowledged.
  public func maps(_ site: String, call: Int) throws -> Tensor? {
    guard let recorded = sites.first(where: { $0.site.path == site }) else {
      let choices = sites.map(\.site.path).joined(separator: ", ")
      throw TraceError.notRecorded(
        path: folder.store, what: "layer '\(site)'", choices: choices.isEmpty ? "none" : choices)
    }
    guard calls.indices.contains(call) else {
      throw TraceError.notRecorded(
        path: folder.store, what: "call \(call)",
        choices: calls.isEmpty ? "none" : "calls 0..\(calls.count - 1)")
    }
    guard let written = calls[call].checksums[site] else { return nil }
    let name = AttentionStore.chunkName(call)
    guard let directory = directories[site], let bytes = try directory.read(name) else {
      throw TraceError.system(
        action: "read", path: "\(folder.store)/\(site)/\(name)", code: 2)
    }
    return try decode(bytes, of: recorded, written: written, path: directory.path(of: name))
  }

  private func decode(
    _ bytes: [UInt8], of recorded: RecordedSite, written: UInt32, path: String
  ) throws -> Tensor {
    let size = recorded.count * precision.bytes
    guard bytes.count == size + 4 else {
      throw TraceError.malformed(path: path, reason: "\(bytes.count) bytes, expected \(size + 4)")
    }
    return try bytes.withUnsafeBytes { bytes in
      let got = crc32c(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4)))
      let own = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: size, as: UInt32.self))
      guard got == own && got == written else {
        throw TraceError.checksum(path: path, expected: written, got: got == written ? own : got)
      }
      return Tensor(shape: recorded.shape) { target in
        guard let base = bytes.baseAddress else { return }
        switch precision {
        case .float16:
          ck_half_to_float(base.assumingMemoryBound(to: UInt16.self), target, recorded.count)
        case .float32:
          UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: size)
        }
      }
    }
  }
}

extension RecordedSite {
  /// Whether a site read from a file can be one: a folder's name, and extents that fit its indices.
  fileprivate var isSound: Bool {
    let extents = [site.heads, site.grid.rows, site.grid.columns, site.keys]
    let ascending = { (indices: [Int], limit: Int) in
      zip(indices, indices.dropFirst()).allSatisfy(<) && indices.first ?? 0 >= 0
        && indices.last ?? 0 < limit
    }
    return !site.path.isEmpty && !site.path.hasPrefix(".") && !site.path.contains("/")
      && extents.allSatisfy { (1...(1 << 20)).contains($0) }
      && extents.reduce(1.0) { $0 * Double($1) } < 0x1p40
      && !heads.isEmpty && ascending(heads, site.heads)
      && ascending(tokens ?? [], site.keys) && !(tokens?.isEmpty ?? false)
  }
}
