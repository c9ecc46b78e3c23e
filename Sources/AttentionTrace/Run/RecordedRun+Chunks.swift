internal import TensorEngine

// Unsafe: a file is read into a buffer of our own, never more than fits; pieces are lent for the
// length of a call.

extension RecordedRun {
  /// The most bytes that are lent at a time: few enough to stay in a processor's cache.
  private static let piece = 1 << 18

  /// Lends the stored bytes of a site's maps in a call, in its shape, little-endian
  /// numbers of ``precision``, a piece at a time and in order.
  ///
  /// The checksum is known only at the end: when this throws, what was lent does not count.
  /// - Precondition: the call was recorded, and ``frame`` is `nil`.
  /// - Throws: `TraceError`: a chunk that is damaged, or gone although it was acknowledged; or what
  ///   `body` throws.
  package func withChunk(
    of recorded: RecordedSite, call: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let array = RecordedArray.maps(recorded)
    guard let written = calls[call].checksums[array.name] else {
      bug("call \(call) of \(array.name) was not recorded")
    }
    let size = array.count * precision.bytes
    let lent: Void? = try chunks[array.name].flatMap { chunks in
      try chunks.withFile(of: call) { file, start in
        try chunks.locating(call) {
          try unsafe Self.lend(
            size, of: file, at: start, path: chunks.path(of: call), written: written, body)
        }
      }
    }
    if lent == nil { throw missingChunk(of: array, call) }
  }

  /// Lends the elements of a chunk that begins at `start` in a file, and compares their checksum.
  private static func lend(
    _ size: Int, of file: Int32, at start: Int, path: String, written: UInt32,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try unsafe withUnsafeTemporaryAllocation(byteCount: min(size, piece), alignment: 64) {
      buffer in
      var checksum: UInt32 = 0
      for first in stride(from: 0, to: size, by: buffer.count) {
        let piece = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, size - first)])
        try unsafe readAll(piece, from: file, at: start + first, path: path)
        checksum = unsafe crc32c(UnsafeRawBufferPointer(piece), after: checksum)
        try unsafe body(UnsafeRawBufferPointer(piece))
      }
      var own: UInt32 = 0
      try unsafe withUnsafeMutableBytes(of: &own) {
        try unsafe readAll($0, from: file, at: start + size, path: path)
      }
      try RecordedArray.check(
        checksum, own: UInt32(littleEndian: own), written: written, path: path)
    }
  }
}
