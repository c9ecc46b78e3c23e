internal import Glibc
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
    let name = array.chunkName(call)
    let path = "\(folder.store)/\(array.name)/\(name)"
    guard let file = try directories[array.name]?.openFile(name, O_RDONLY) else {
      throw TraceError.system(action: "read", path: path, code: ENOENT)
    }
    defer { close(file) }
    let size = array.count * precision.bytes
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      throw TraceError.system(action: "read", path: path, code: errno)
    }
    guard status.st_size == size + 4 else {
      throw TraceError.malformed(
        path: path, reason: "\(status.st_size) bytes, expected \(size + 4)")
    }
    try unsafe withUnsafeTemporaryAllocation(byteCount: min(size, Self.piece), alignment: 64) {
      buffer in
      var checksum: UInt32 = 0
      for first in stride(from: 0, to: size, by: buffer.count) {
        let piece = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, size - first)])
        try unsafe readAll(piece, from: file, path: path)
        checksum = unsafe crc32c(UnsafeRawBufferPointer(piece), after: checksum)
        try unsafe body(UnsafeRawBufferPointer(piece))
      }
      var own: UInt32 = 0
      try unsafe withUnsafeMutableBytes(of: &own) { try unsafe readAll($0, from: file, path: path) }
      try RecordedArray.check(
        checksum, own: UInt32(littleEndian: own), written: written, path: path)
    }
  }
}

/// Fills `bytes` from a file, through interruptions and short reads.
private func readAll(
  _ bytes: UnsafeMutableRawBufferPointer, from file: Int32, path: String
) throws {
  var rest = unsafe bytes
  while unsafe !rest.isEmpty {
    let got = unsafe Glibc.read(file, rest.baseAddress, rest.count)
    if got < 0 && errno == EINTR { continue }
    guard got > 0 else {
      throw got < 0
        ? TraceError.system(action: "read", path: path, code: errno)
        : TraceError.malformed(path: path, reason: "became shorter while it was read")
    }
    unsafe rest = unsafe UnsafeMutableRawBufferPointer(rebasing: rest[got...])
  }
}
