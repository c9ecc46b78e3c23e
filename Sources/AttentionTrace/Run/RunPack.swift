internal import Foundation
internal import Glibc
internal import TensorEngine

// Unsafe: bytes are written to a file for the length of a call.

/// Packs the recording of a complete run: all chunks of an array in one file, by Zarr's codec
/// `sharding_indexed`; and takes that back.
///
/// What is made stands beside what is there, under names of its own, until all of it is on the disk. Then
/// the group's description is replaced by one rename: before it the run is what it was, after it what it
/// is to be. What is no longer needed is removed at the end. Interrupted anywhere, the run can be read, and the same command goes on.
public struct RunPack {
  /// What was done to a run.
  public enum Outcome: Hashable, Sendable {
    /// Files of the run before and after.
    case done(before: Int, after: Int)
    /// The run is as wanted already.
    case wasDone
    /// The run recorded no attention.
    case noRecording
  }

  private let path: String
  private let run: Directory
  /// Held so that nobody else writes the run meanwhile.
  private let lock: RunLock

  /// Takes hold of the run in the folder at `path`.
  /// - Throws: `TraceError`: no run there, one that is not complete, or one that another process holds.
  public init(_ path: String) throws {
    self.path = path
    run = try Directory(path: path)
    guard run.has(RunFolder.manifestName) else { throw TraceError.noRun(path: path) }
    lock = try RunLock(run)
    guard let manifest = try RunManifest.read(in: run) else { throw TraceError.noRun(path: path) }
    guard manifest.status == .complete else {
      throw TraceError.notPackable(
        path: path, reason: "the run is unfinished; finish it by the command that began it")
    }
  }

  /// What to tell where the folder's file system has no locks; `nil` where it has.
  public var lockNotice: String? { lock.notice }

  /// Packs the run.
  /// - Throws: `TraceError`: the run is damaged, or its files cannot be written.
  public func pack() throws -> Outcome {
    guard let store = try run.folder(RunFolder.storeName) else { return .noRecording }
    let (layout, packed) = try read(store)
    if packed != nil {
      try removeFiles(of: layout, in: store)
      return .wasDone
    }
    let before = try files()
    try removeShards(of: layout, in: store)
    try requireSound()
    var descriptions = [PackedStore.description: try text(PackedStore.description, in: store)]
    var (leftOut, uniform): (Set<String>, [String: JSONTree]) = ([], [:])
    do {
      for (name, array) in layout.arrays.sorted(by: { $0.key < $1.key }) {
        guard let folder = try store.folder(name) else { continue }
        let own = PackedStore.description(of: name)
        descriptions[own] = try text(PackedStore.description, in: folder)
        if try layout.layout.isCount(name) && isCount(array, in: folder) {
          leftOut.insert(name)
        } else if let value = layout.layout.uniformValue(of: name, layout.records) {
          uniform[name] = value
        } else {
          try Self.writeShard(array, in: folder)
          try folder.synchronize()
        }
      }
      let group = try PackedStore.group(
        descriptions, leavingOut: leftOut, uniform: uniform,
        path: store.path(of: PackedStore.description))
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      let bytes = [UInt8](try encoder.encode(group)) + [UInt8(ascii: "\n")]
      try store.write(bytes, to: PackedStore.description, durably: true)
    } catch {
      // Where a rename failed it may have been done all the same, as over a network.
      if let (_, packed) = try? read(store), packed == nil {
        try? removeShards(of: layout, in: store)
      }
      throw error
    }
    try store.synchronize()
    try removeFiles(of: layout, in: store)
    return .done(before: before, after: try files())
  }

  /// Unpacks the run: its files become those before packing, byte for byte.
  /// - Throws: as ``pack()``.
  public func undo() throws -> Outcome {
    guard let store = try run.folder(RunFolder.storeName) else { return .noRecording }
    let (layout, packed) = try read(store)
    guard let packed else {
      try removeShards(of: layout, in: store)
      return .wasDone
    }
    let before = try files()
    try removeFiles(of: layout, in: store)
    try requireSound()
    for (name, array) in layout.arrays {
      let folder = try store.made(name)
      let own = PackedStore.description(of: name)
      try folder.write(
        try Self.text(own, of: packed, in: store), to: PackedStore.description, durably: true)
      if !folder.has(ChunkNames.shard(axes: array.shape.count)),
        layout.layout.uniformValue(of: name, layout.records) != nil
      {
        for chunk in 0..<Self.chunks(of: array) {
          try folder.write(
            layout.layout.coordinateChunk(chunk, of: name, layout.records),
            to: ChunkNames.file(chunk, axes: 1), durably: true)
        }
      } else {
        try Self.writeFiles(array, in: folder, from: packed.shards[name])
      }
      try folder.synchronize()
    }
    try store.synchronize()
    let group = try Self.text(PackedStore.description, of: packed, in: store)
    try store.write(group, to: PackedStore.description, durably: true)
    try store.synchronize()
    try removeShards(of: layout, in: store)
    return .done(before: before, after: try files())
  }

  // MARK: What is there

  /// The arrays of a store as they are unpacked, and their layout.
  private struct Arrays {
    let layout: StoreLayout
    let arrays: [String: ZarrArray]
    let records: [CallRecord]

    /// Whether a packed store needs no file of an array.
    func needsNoFile(_ name: String) -> Bool {
      layout.isCount(name) || layout.uniformValue(of: name, records) != nil
    }
  }

  private func read(_ store: Directory) throws -> (Arrays, PackedStore?) {
    let file = store.path(of: PackedStore.description)
    guard let bytes = try store.description(PackedStore.description),
      let manifest = try RunManifest.read(in: run)
    else { throw TraceError.system(action: "read", path: file, code: ENOENT) }
    let records = try CallJournal.read(in: run).records
    do {
      try StrictJSON.check(bytes)
      let attributes = try StoreAttributes(group: bytes)
      if let flaw = attributes.flaw { throw TraceError.malformed(path: file, reason: flaw) }
      let layout = StoreLayout(
        recorded: attributes.arrays, manifest: manifest, precision: attributes.precision)
      return (
        Arrays(
          layout: layout, arrays: layout.arrays(calls: records.count), records: records),
        try PackedStore(group: bytes, path: file)
      )
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError.malformed(path: file, reason: reason(of: error))
    }
  }

  /// Refuses a run whose recording is damaged, or has files that are not its own.
  private func requireSound() throws {
    let folder = RunFolder(path: path)
    let problems = try RunCheck(path).problems.filter {
      [folder.manifest, folder.journal].contains($0.file) || $0.file.hasPrefix(folder.store)
    }
    guard let first = problems.first else { return }
    throw TraceError.notPackable(
      path: path,
      reason: "\(first)" + (problems.count > 1 ? ", and \(problems.count - 1) more problems" : "")
        + "; heed check tells all")
  }

  private func text(_ name: String, in folder: Directory) throws -> String {
    guard let bytes = try folder.description(name),
      let text = String(validating: bytes, as: UTF8.self)
    else {
      throw TraceError.malformed(path: folder.path(of: name), reason: "is missing or not UTF-8")
    }
    return text
  }

  private static func text(
    _ name: String, of packed: PackedStore, in store: Directory
  ) throws -> [UInt8] {
    guard let text = packed.descriptions[name] else {
      throw TraceError.malformed(
        path: store.path(of: PackedStore.description),
        reason: "consolidated_metadata.unpacked has no \(name)")
    }
    return Array(text.utf8)
  }

  /// Files in the run's folder, without the lock.
  private func files() throws -> Int {
    func count(_ folder: Directory) throws -> Int {
      try folder.names().reduce(0) { total, name in
        if name == RunLock.name { return total }
        guard folder.isFolder(name), let inner = try folder.folder(name) else { return total + 1 }
        return total + (try count(inner))
      }
    }
    return try count(run)
  }

  // MARK: Chunks

  /// How many chunks an array has along its first axis.
  private static func chunks(of array: ZarrArray) -> Int {
    (array.shape[0] + array.chunk[0] - 1) / array.chunk[0]
  }

  /// The bytes of the chunk of an array that counts from 0.
  private static func counting(_ chunk: Int, of array: ZarrArray) -> [UInt8] {
    let count = array.chunk[0]
    let buffer = ChunkBuffer.indices(from: chunk * count, count: count) { Int32(clamping: $0) }
    return unsafe Array(buffer.bytes)
  }

  /// Whether the files of an array are those of one that counts from 0, to the byte.
  private func isCount(_ array: ZarrArray, in folder: Directory) throws -> Bool {
    try (0..<Self.chunks(of: array)).allSatisfy { chunk in
      let expected = Self.counting(chunk, of: array)
      return try folder.read(ChunkNames.file(chunk, axes: 1), atMost: expected.count) == expected
    }
  }

  /// Writes the shard of an array from its chunks' files.
  private static func writeShard(_ array: ZarrArray, in folder: Directory) throws {
    let axes = array.shape.count
    let chunkBytes = array.chunk.reduce(1, *) * (array.type?.bytes ?? 0) + 4
    let name = ChunkNames.shard(axes: axes)
    do {
      try AtomicFile.write(
        name, in: folder.descriptor, path: folder.path(of: name),
        temporary: Directory.temporary, isDurable: true
      ) { file in
        var ranges: [Range<Int>?] = []
        for chunk in 0..<chunks(of: array) {
          let bytes = try folder.read(ChunkNames.file(chunk, axes: axes), atMost: chunkBytes)
          ranges.append(bytes.map { file.count..<file.count + $0.count })
          if let bytes { try file.append(bytes) }
        }
        try file.append(ShardIndex(ranges).bytes)
      }
    } catch let error as FileError {
      throw TraceError.system(
        action: "write", path: folder.path(of: name), code: error.systemError ?? EIO)
    }
  }

  /// Writes the chunks' files of an array from its shard; of one without a shard those that count from 0.
  private static func writeFiles(
    _ array: ZarrArray, in folder: Directory, from shardCount: Int?
  ) throws {
    let axes = array.shape.count
    let places = shardCount.flatMap { count in
      array.type.map { type in
        ArrayChunks(
          in: folder, axes: axes, chunkBytes: array.chunk.reduce(1, *) * type.bytes + 4,
          shardCount: count)
      }
    }
    for chunk in 0..<chunks(of: array) {
      let bytes = places == nil ? counting(chunk, of: array) : try places?.read(chunk)
      if let bytes {
        try folder.write(bytes, to: ChunkNames.file(chunk, axes: axes), durably: true)
      }
    }
  }

  // MARK: Removing

  /// Removes what a packed store no longer needs: the files of chunks, and their descriptions.
  private func removeFiles(of arrays: Arrays, in store: Directory) throws {
    for (name, array) in arrays.arrays {
      guard let folder = try store.folder(name) else { continue }
      let shard = ChunkNames.shard(axes: array.shape.count)
      guard folder.has(shard) || arrays.needsNoFile(name) else { continue }
      let own = Set(
        (0..<Self.chunks(of: array)).map { ChunkNames.file($0, axes: array.shape.count) }
          + [PackedStore.description, Directory.temporary])
      for file in try folder.names() where own.contains(file) { try folder.remove(file) }
      if !folder.has(shard), try folder.names().isEmpty { try store.removeFolder(name) }
    }
    try store.remove(Directory.temporary)
  }

  /// Removes the shards of a store that is not packed.
  private func removeShards(of arrays: Arrays, in store: Directory) throws {
    for (name, array) in arrays.arrays {
      guard let folder = try store.folder(name) else { continue }
      try folder.remove(ChunkNames.shard(axes: array.shape.count))
      try folder.remove(Directory.temporary)
    }
  }
}
