internal import Foundation
internal import TensorEngine

// Unsafe: bytes are written to a file for the length of the call.

/// `attention.zarr` open for writing.
///
/// Belongs to one thread at a time.
final class AttentionStore {
  private let layout: StoreLayout
  private let folder: Directory
  /// Of each recorded array.
  private let folders: [Directory]
  private let capacity: Int
  private let durability: Durability
  private let coordinates: [CoordinateFile]

  /// Makes the store, or brings it back to the calls in `records`: whatever comes after goes.
  init(
    in run: Directory, layout: StoreLayout, records: [CallRecord], capacity: Int,
    durability: Durability
  ) throws {
    self.layout = layout
    self.capacity = capacity
    self.durability = durability
    folder = try run.made(RunFolder.storeName)
    let folder = folder
    let arrays = layout.arrays(calls: capacity)
    folders = try layout.recorded.map { array in
      let directory = try folder.made(array.name)
      try Self.removeChunks(of: array, in: directory, from: records.count)
      return directory
    }
    coordinates = try CallCoordinate.allCases.map { coordinate in
      try CoordinateFile(
        coordinate, in: try folder.made(coordinate.rawValue), records: records, capacity: capacity,
        durably: durability == .power)
    }
    try writeIndex("call", count: capacity, chunk: CallCoordinate.chunk) { Int32(clamping: $0) }
    for (name, indices) in layout.axes {
      try writeIndex(name, count: indices.count, chunk: indices.count) {
        $0 < indices.count ? Int32(clamping: indices[$0]) : -1
      }
    }
    try writeDescriptions(arrays)
    if durability == .power {
      for name in arrays.keys { try folder.made(name).synchronize() }
      try folder.synchronize()
      try run.synchronize()
    }
  }

  /// Writes one call's chunks; `chunks` holds a buffer for each array whose site lent its values.
  /// - Returns: The checksum of each chunk by its array's name.
  func write(call: Int, chunks: [ChunkBuffer?]) throws -> [String: UInt32] {
    var checksums: [String: UInt32] = [:]
    for (index, chunk) in chunks.enumerated() {
      guard let chunk else { continue }
      let array = layout.recorded[index]
      checksums[array.name] = chunk.seal()
      try unsafe folders[index].write(
        UnsafeRawBufferPointer(chunk.bytes), to: array.chunkName(call),
        durably: durability == .power)
      if durability == .power { try folders[index].synchronize() }
    }
    return checksums
  }

  /// Writes what is known of a call beside its maps.
  func write(_ record: CallRecord) throws {
    guard record.call < capacity else { bug("call \(record.call) of a store made for \(capacity)") }
    for coordinate in coordinates { try coordinate.write(record) }
  }

  /// Shortens the first axis to the calls that were made.
  func close(calls: Int) throws {
    for coordinate in coordinates { try coordinate.close() }
    let used = (calls + CallCoordinate.chunk - 1) / CallCoordinate.chunk
    let made = (capacity + CallCoordinate.chunk - 1) / CallCoordinate.chunk
    try writeDescriptions(layout.arrays(calls: calls))
    for name in ["call"] + CallCoordinate.allCases.map(\.rawValue) {
      let directory = try folder.made(name)
      for chunk in stride(from: made - 1, through: used, by: -1) {
        try directory.remove("c.\(chunk)")
      }
    }
    if durability == .power { try folder.synchronize() }
  }

  private static func removeChunks(
    of array: RecordedArray, in directory: Directory, from first: Int
  ) throws {
    for name in try directory.names() {
      let isLater = array.call(ofChunk: name).map { $0 >= first } ?? false
      if isLater || name == Directory.temporary { try directory.remove(name) }
    }
  }

  private func writeDescriptions(_ arrays: [String: ZarrArray]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let durably = durability == .power
    for (name, array) in arrays {
      let bytes = [UInt8](try encoder.encode(array))
      try folder.made(name).write(bytes, to: "zarr.json", durably: durably)
    }
    let group = ZarrGroup(attributes: layout.attributes, arrays: arrays)
    try folder.write([UInt8](try encoder.encode(group)), to: "zarr.json", durably: durably)
  }

  /// Writes an array of indices along its own axis, in chunks of `chunk`.
  private func writeIndex(
    _ name: String, count: Int, chunk: Int, value: (Int) -> Int32
  ) throws {
    let directory = try folder.made(name)
    for first in stride(from: 0, to: count, by: max(chunk, 1)) {
      let buffer = ChunkBuffer.indices(from: first, count: chunk, value: value)
      try unsafe directory.write(
        UnsafeRawBufferPointer(buffer.bytes), to: "c.\(first / chunk)",
        durably: durability == .power)
    }
  }
}
