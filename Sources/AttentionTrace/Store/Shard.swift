internal import Glibc
internal import TensorEngine

// Unsafe: a call of the system fills a structure of our own.

/// An open file with all chunks of an array.
final class Shard: Sendable {
  let file: Int32
  let path: String
  let index: ShardIndex

  /// Opens the shard in an array's folder, and reads its index; `nil` if there is none.
  /// - Parameters:
  ///   - axes: Of the array.
  ///   - count: How many chunks the shard has room for.
  ///   - chunkBytes: The length of each.
  /// - Throws: `TraceError`: it cannot be read, or its index cannot be one.
  init?(in folder: Directory, axes: Int, count: Int, chunkBytes: Int) throws {
    let name = ChunkNames.shard(axes: axes)
    path = folder.path(of: name)
    guard let file = try folder.openFile(name, O_RDONLY) else { return nil }
    self.file = file
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      let code = errno
      close(file)
      throw TraceError.system(action: "read", path: path, code: code)
    }
    let (size, indexSize) = (Int(status.st_size), ShardIndex.size(of: count))
    do {
      guard size >= indexSize else {
        throw TraceError.malformed(
          path: path,
          reason: "byte \(size): the file ends here, expected \(indexSize) bytes or more for the "
            + "index of \(count) chunks")
      }
      index = try ShardIndex(
        readBytes(size - indexSize..<size, of: file, path: path), at: size - indexSize,
        chunkBytes: chunkBytes, path: path)
    } catch {
      close(file)
      throw error
    }
  }

  deinit { close(file) }
}

/// Bytes of a file that it is known to have.
func readBytes(_ range: Range<Int>, of file: Int32, path: String) throws -> [UInt8] {
  var failure: (any Error)?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
    do {
      let bytes = unsafe UnsafeMutableRawBufferPointer(buffer)[..<range.count]
      try unsafe readAll(
        UnsafeMutableRawBufferPointer(rebasing: bytes), from: file, at: range.lowerBound, path: path
      )
      count = range.count
    } catch { failure = error }
  }
  if let failure { throw failure }
  return bytes
}

/// Fills `bytes` from a place in a file, through interruptions and short reads.
func readAll(
  _ bytes: UnsafeMutableRawBufferPointer, from file: Int32, at offset: Int, path: String
) throws {
  var (rest, place) = unsafe (bytes, offset)
  while unsafe !rest.isEmpty {
    let got = uninterrupted { unsafe pread(file, rest.baseAddress, rest.count, place) }
    guard got > 0 else {
      throw got < 0
        ? TraceError.system(action: "read", path: path, code: errno)
        : TraceError.malformed(path: path, reason: "became shorter while it was read")
    }
    place += got
    unsafe rest = unsafe UnsafeMutableRawBufferPointer(rebasing: rest[got...])
  }
}
