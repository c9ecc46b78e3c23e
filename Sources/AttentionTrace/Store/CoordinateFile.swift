internal import Glibc
internal import TensorEngine

// Unsafe: elements are written into a buffer of whole chunks, at places within it.

/// One coordinate along `call`, kept up to date on disk call by call.
///
/// A chunk is written into a spare file that then changes names with the one before it, which is the next
/// spare: a reader sees the old chunk or the new one, also while the writer is held up in the middle. A new
/// file for each call would cost a hundred times more: file systems write a file to the disk before it
/// replaces another, and are slow to give away again what was just removed. Only `durably` makes one.
final class CoordinateFile {
  private let coordinate: CallCoordinate
  private let folder: Directory
  private let durably: Bool
  private let buffer: ChunkBuffer
  /// The chunk in the buffer.
  private var chunk = -1

  /// Writes every chunk up to `capacity` from `records`.
  init(
    _ coordinate: CallCoordinate, in folder: Directory, records: [CallRecord], capacity: Int,
    durably: Bool
  ) throws {
    self.coordinate = coordinate
    self.folder = folder
    self.durably = durably
    buffer = ChunkBuffer(bytes: CallCoordinate.chunk * coordinate.type.bytes)
    try folder.remove(Directory.temporary)
    for first in stride(from: 0, to: capacity, by: CallCoordinate.chunk) {
      fill(from: first, records: records)
      _ = buffer.seal()
      try unsafe folder.write(
        UnsafeRawBufferPointer(buffer.bytes), to: "c.\(first / CallCoordinate.chunk)",
        durably: durably)
    }
    chunk = records.count / CallCoordinate.chunk
    fill(from: chunk * CallCoordinate.chunk, records: records)
  }

  /// Removes the spare file.
  func close() throws { try folder.remove(Directory.temporary) }

  private func fill(from first: Int, records: [CallRecord]) {
    for place in 0..<CallCoordinate.chunk {
      set(place, to: first + place < records.count ? records[first + place] : nil)
    }
  }

  private func set(_ place: Int, to record: CallRecord?) {
    guard let base = unsafe buffer.bytes.baseAddress else { return }
    unsafe coordinate.write(record, to: base + place * coordinate.type.bytes)
  }

  /// Writes the element of the next call.
  func write(_ record: CallRecord) throws {
    let wanted = record.call / CallCoordinate.chunk
    if wanted != chunk {
      fill(from: 0, records: [])
      chunk = wanted
    }
    set(record.call % CallCoordinate.chunk, to: record)
    _ = buffer.seal()
    let name = "c.\(chunk)"
    if durably {
      try unsafe folder.write(UnsafeRawBufferPointer(buffer.bytes), to: name, durably: true)
      return try folder.synchronize()
    }
    let path = folder.path(of: name)
    guard let file = try folder.openFile(Directory.temporary, O_WRONLY | O_CREAT) else {
      bug("\(path) was neither opened nor made")
    }
    do {
      try unsafe overwriteAll(UnsafeRawBufferPointer(buffer.bytes), in: file, path: path)
    } catch {
      Glibc.close(file)
      throw error
    }
    try closeWritten(file, path: path)
    try folder.put(Directory.temporary, inPlaceOf: name)
  }
}
