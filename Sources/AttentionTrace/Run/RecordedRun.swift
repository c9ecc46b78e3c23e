internal import Foundation
public import TensorEngine

/// A run read from its folder, without a model.
///
/// Reads a finished run as well as one that was interrupted or is still being written; it holds the
/// calls that were acknowledged when it was opened.
public struct RecordedRun: Sendable {
  /// The folder and the names in it.
  public let folder: RunFolder
  /// `run.json`: everything that made the run.
  public let manifest: RunManifest
  /// The acknowledged calls, in order.
  public let calls: [CallRecord]
  /// The sites whose maps are in the store, in the model's order.
  public let sites: [RecordedSite]
  /// How the maps are stored.
  public let precision: RecordingPlan.Precision
  /// The sites whose queries are in the store, in the model's order.
  public let queriedSites: [AttentionSite]
  let arrays: [String: RecordedArray]
  /// The chunks of each array.
  let chunks: OpenedArrays

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
      let (attributes, packed) = try Self.attributes(of: store, manifest)
    else {
      (sites, queriedSites, arrays) = ([], [], [:])
      chunks = OpenedArrays(of: folder, [:])
      precision = manifest.plan?.precision ?? .float16
      return
    }
    sites = attributes.sites
    queriedSites = attributes.queries ?? []
    precision = attributes.precision
    arrays = Dictionary(attributes.arrays.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    chunks = OpenedArrays(
      of: folder,
      arrays.mapValues { [precision] array in
        OpenedArrays.Description(
          axes: array.shape.count + 1, chunkBytes: array.count * precision.bytes + 4,
          shardCount: packed.map { $0.shards[array.name] ?? 0 })
      })
  }

  /// The attributes at the top of a store, checked, and how it is packed; `nil` before they were first
  /// written.
  private static func attributes(
    of store: Directory, _ manifest: RunManifest
  ) throws -> (StoreAttributes, PackedStore?)? {
    guard let bytes = try store.description(PackedStore.description) else { return nil }
    let path = store.path(of: PackedStore.description)
    do {
      try StrictJSON.check(bytes)
      let attributes = try StoreAttributes(group: bytes)
      if let flaw = attributes.flaw {
        throw TraceError.malformed(path: path, reason: flaw)
      }
      if let contradiction = attributes.contradictions(of: manifest).first {
        throw TraceError.malformed(path: path, reason: contradiction)
      }
      return (attributes, try PackedStore(group: bytes, path: path))
    } catch let error as TraceError {
      throw error
    } catch {
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

  /// How many steps moved the latent; `nil` if the run does not tell.
  public var movedSteps: Int? {
    let displacements = noisePredictions.compactMap(\.measurement?.displacement)
    return displacements.isEmpty ? nil : displacements.count(where: \.isMove)
  }

  /// The last step that moved the latent; `nil` if none did, or the run does not tell.
  public var lastMovedStep: Int? {
    noisePredictions.last { $0.measurement?.displacement?.isMove ?? false }?.step
  }

  /// The latent's largest absolute value at each step, as the noise was predicted for it, in units of the
  /// initial noise's standard deviation; empty if the run does not tell.
  public var latentMagnitudes: [Int: Float] {
    Dictionary(
      noisePredictions.compactMap { call in
        call.measurement?.latentMagnitude.map { (call.step, $0) }
      }, uniquingKeysWith: { $1 })
  }

  /// The calls that an objective measured, with their losses and excitation scores.
  public var losses: LossTable { LossTable(calls: calls, subjects: manifest.subjects) }

  /// The calls whose maps of `site` were acknowledged, but whose chunk is missing.
  public func missingChunks(of site: String) -> Set<Int> { missing(site) }

  /// Whether queries of `site` were acknowledged in `call`.
  public func hasQueries(of site: String, in call: CallRecord) -> Bool {
    call.checksums[RecordedArray.queriesName(site)] != nil
  }

  /// The calls whose queries of `site` were acknowledged, but whose chunk is missing.
  public func missingQueries(of site: String) -> Set<Int> {
    missing(RecordedArray.queriesName(site))
  }

  private func missing(_ name: String) -> Set<Int> {
    // An array that cannot be opened says so where it is read.
    guard let chunks = try? chunks[name] else { return [] }
    return Set(calls.filter { $0.checksums[name] != nil && !chunks.has($0.call) }.map(\.call))
  }

  /// The maps of a site in a call, in the site's ``RecordedSite/shape``: `[head, row, column, token]`, or
  /// `[head, frame, row, column, token]` where the site has frames; `nil` if they were not recorded.
  ///
  /// The first and last axis are ``RecordedSite/headIndices`` and ``RecordedSite/columnIndices`` of the site
  /// in ``sites``. The chunk's checksum is compared with its own and with the journal's.
  /// - Throws: `TraceError`: no such site or call, a chunk that is damaged, or one that is missing
  ///   although it was acknowledged.
  public func maps(_ site: String, call: Int) throws -> Tensor? {
    try values(site, call, among: sites.map(\.site), what: "layer '\(site)'")
  }

  /// The queries of a site in a call, `[row, column, width]`, as the layer lends them at
  /// ``AttentionPoint/queries``; `nil` if they were not recorded.
  /// - Throws: as ``maps(_:call:)``.
  public func queries(_ site: String, call: Int) throws -> Tensor? {
    try values(
      RecordedArray.queriesName(site), call, among: queriedSites,
      what: "queries of layer '\(site)'")
  }

  private func values(
    _ name: String, _ call: Int, among sites: [AttentionSite], what: String
  ) throws -> Tensor? {
    guard let array = arrays[name] else {
      let choices = sites.map(\.path).joined(separator: ", ")
      throw TraceError.notRecorded(
        path: folder.store, what: what, choices: choices.isEmpty ? "none" : choices)
    }
    guard calls.indices.contains(call) else {
      throw TraceError.notRecorded(
        path: folder.store, what: "call \(call)",
        choices: calls.isEmpty ? "none" : "calls 0..\(calls.count - 1)")
    }
    guard let written = calls[call].checksums[name] else { return nil }
    guard let chunks = try chunks[name], let bytes = try chunks.read(call) else {
      throw missingChunk(of: array, call)
    }
    return try chunks.locating(call) {
      try array.decode(bytes, precision, written: written, path: chunks.path(of: call))
    }
  }

  /// The error of a chunk that was acknowledged and is not there.
  func missingChunk(of array: RecordedArray, _ call: Int) -> TraceError {
    let places = try? chunks[array.name]
    let path = places?.path(of: call) ?? "\(folder.store)/\(array.name)/\(array.chunkName(call))"
    if let shard = try? places?.shard() {
      return .malformed(path: shard.path, reason: "chunk \(call) is missing")
    }
    return .system(action: "read", path: path, code: 2)
  }
}
