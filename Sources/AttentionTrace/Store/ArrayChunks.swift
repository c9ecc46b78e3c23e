internal import Glibc
internal import Synchronization
internal import TensorEngine

// Unsafe: a call of the system fills a structure of our own.

/// The chunks of an array in its folder: each a file of its own, or all in one shard.
final class ArrayChunks: Sendable {
  let folder: Directory
  /// Of the array.
  let axes: Int
  /// Of each chunk, its checksum included.
  let chunkBytes: Int
  /// How many chunks the array's shard has room for; `nil` where chunks are files of their own.
  let shardCount: Int?
  /// The shard, once it was read.
  private let opened = Mutex<Shard?>(nil)

  init(in folder: Directory, axes: Int, chunkBytes: Int, shardCount: Int?) {
    self.folder = folder
    self.axes = axes
    self.chunkBytes = chunkBytes
    self.shardCount = shardCount
  }

  /// The shard; `nil` if there is none, or chunks are files of their own.
  /// - Throws: `TraceError`: it cannot be read, or its index cannot be one.
  func shard() throws -> Shard? {
    guard let shardCount else { return nil }
    return try opened.withLock { opened in
      if let opened { return opened }
      opened = try Shard(in: folder, axes: axes, count: shardCount, chunkBytes: chunkBytes)
      return opened
    }
  }

  /// The path of the file that holds a chunk, for messages.
  func path(of chunk: Int) -> String {
    folder.path(
      of: shardCount == nil
        ? ChunkNames.file(chunk, axes: axes) : ChunkNames.shard(axes: axes))
  }

  /// Whether a chunk is there; of a shard that cannot be read every chunk is, so that reading says why not.
  func has(_ chunk: Int) -> Bool {
    guard shardCount != nil else { return folder.has(ChunkNames.file(chunk, axes: axes)) }
    do { return try range(of: chunk, in: shard()) != nil } catch { return true }
  }

  private func range(of chunk: Int, in shard: Shard?) -> Range<Int>? {
    guard let ranges = shard?.index.ranges, ranges.indices.contains(chunk) else { return nil }
    return ranges[chunk]
  }

  /// The bytes of a chunk's file, or of its part of the shard, checksum included; `nil` if it is not there.
  /// - Throws: `TraceError`.
  func read(_ chunk: Int) throws -> [UInt8]? {
    guard shardCount != nil else {
      // Of another length it is none, but one that is far too long is not read to say so.
      return try folder.read(
        ChunkNames.file(chunk, axes: axes), atMost: chunkBytes + FileLimit.description.value)
    }
    guard let shard = try shard(), let range = range(of: chunk, in: shard) else { return nil }
    return try readBytes(range, of: shard.file, path: shard.path)
  }

  /// Lends the open file that holds a chunk, and the byte where it begins there; `nil` if it is not there.
  /// - Throws: `TraceError`: among others for a chunk of another length; or what `body` throws.
  func withFile<Value>(
    of chunk: Int, _ body: (_ file: Int32, _ start: Int) throws -> Value
  ) throws -> Value? {
    if shardCount != nil {
      guard let shard = try shard(), let range = range(of: chunk, in: shard) else { return nil }
      return try body(shard.file, range.lowerBound)
    }
    guard let file = try folder.openFile(ChunkNames.file(chunk, axes: axes), O_RDONLY) else {
      return nil
    }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      throw TraceError.system(action: "read", path: path(of: chunk), code: errno)
    }
    guard status.st_size == chunkBytes else {
      throw TraceError.malformed(
        path: path(of: chunk), reason: "\(status.st_size) bytes, expected \(chunkBytes)")
    }
    return try body(file, 0)
  }

  /// What `body` gives for a chunk; an error of its checksum names its place in the shard.
  func locating<Value>(_ chunk: Int, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch TraceError.checksum(let path, let expected, let got) {
      guard let range = range(of: chunk, in: try shard()) else {
        throw TraceError.checksum(path: path, expected: expected, got: got)
      }
      throw TraceError.malformed(
        path: path,
        reason:
          "byte \(range.lowerBound): chunk \(chunk) is damaged: CRC-32C is \(hexadecimal(got)), "
          + "expected \(hexadecimal(expected))")
    }
  }
}
