internal import Glibc

// Unsafe: elements are written into a buffer of whole chunks, at places within it.

/// One coordinate along `call`, kept up to date on disk call by call.
///
/// A chunk is made whole under another name, and then written over in place: it lies in one page,
/// and the kernel does not stop inside a page for a signal. Replacing the file for each call would
/// cost a hundred times more. Only `durably` does that, since a power cut does tear pages.
final class CoordinateFile {
  private let coordinate: CallCoordinate
  private let folder: Directory
  private let durably: Bool
  private let buffer: ChunkBuffer
  /// The chunk in the buffer, and its file when it is open.
  private var chunk = -1
  private var file: Int32 = -1

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

  deinit { if file >= 0 { Glibc.close(file) } }

  /// Closes the file of the chunk in the buffer.
  func close() throws {
    guard file >= 0 else { return }
    defer { file = -1 }
    try closeWritten(file, path: folder.path(of: "c.\(chunk)"))
  }

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
      try close()
      chunk = wanted
    }
    set(record.call % CallCoordinate.chunk, to: record)
    _ = buffer.seal()
    let name = "c.\(chunk)"
    if durably {
      try unsafe folder.write(UnsafeRawBufferPointer(buffer.bytes), to: name, durably: true)
      return try folder.synchronize()
    }
    if file < 0 { file = try folder.openFile(name, O_WRONLY | O_CREAT) ?? -1 }
    try unsafe overwriteAll(
      UnsafeRawBufferPointer(buffer.bytes), in: file, path: folder.path(of: name))
  }
}
