// Unsafe: an index is read and written by its bytes, whose count is checked first.

/// Where chunks lie in a shard: the index of Zarr's codec `sharding_indexed`.
///
/// The shard ends with it: for each chunk the byte where it begins and its length, 64 bits each,
/// little-endian, all ones for a chunk that is not there; then the CRC-32C of all these.
struct ShardIndex: Sendable {
  /// The bytes of each chunk; `nil` for one that is not there.
  let ranges: [Range<Int>?]

  /// Bytes of an index of `count` chunks.
  static func size(of count: Int) -> Int { count * 16 + 4 }

  init(_ ranges: [Range<Int>?]) { self.ranges = ranges }

  /// Reads an index.
  /// - Parameters:
  ///   - bytes: The end of the shard: ``size(of:)`` bytes for its chunks.
  ///   - start: Where they begin in the shard.
  ///   - chunkBytes: The length that each chunk has.
  ///   - path: The shard's, for messages.
  /// - Throws: `TraceError.malformed`: another checksum, or chunks that lie outside the shard, over each other, or
  ///   have another length.
  init(_ bytes: [UInt8], at start: Int, chunkBytes: Int, path: String) throws {
    func flaw(_ byte: Int, _ reason: String) -> TraceError {
      .malformed(path: path, reason: "byte \(byte): \(reason)")
    }
    let end = bytes.count - 4
    let (got, own) = unsafe bytes.withUnsafeBytes { bytes in
      unsafe (
        crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<end])),
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self))
      )
    }
    guard got == own else {
      throw flaw(
        start + end,
        "the index is damaged: CRC-32C is \(hexadecimal(got)), expected \(hexadecimal(own))")
    }
    let words = unsafe bytes.withUnsafeBytes { bytes in
      (0..<end / 8).map {
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
      }
    }
    var ranges: [Range<Int>?] = []
    for chunk in 0..<words.count / 2 {
      let (offset, length) = (words[chunk * 2], words[chunk * 2 + 1])
      if offset == .max && length == .max {
        ranges.append(nil)
        continue
      }
      let place = start + chunk * 16
      guard length == UInt64(chunkBytes) else {
        throw flaw(place, "chunk \(chunk) has \(length) bytes, expected \(chunkBytes)")
      }
      let after = offset.addingReportingOverflow(length)
      guard !after.overflow, after.partialValue <= UInt64(start) else {
        throw flaw(
          place,
          "chunk \(chunk) begins at byte \(offset), expected it to end by byte \(start), where the "
            + "index begins")
      }
      ranges.append(Int(offset)..<Int(after.partialValue))
    }
    self.ranges = ranges
    let inOrder = ranges.indices.filter { ranges[$0] != nil }
      .sorted { (ranges[$0]?.lowerBound ?? 0) < (ranges[$1]?.lowerBound ?? 0) }
    for (one, next) in zip(inOrder, inOrder.dropFirst()) {
      if let first = ranges[one], let second = ranges[next], second.lowerBound < first.upperBound {
        throw flaw(
          start + next * 16,
          "chunk \(next) begins at byte \(second.lowerBound), within chunk \(one)")
      }
    }
  }

  /// The index as it is written.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for range in ranges {
      for word in [range?.lowerBound, range?.count] {
        unsafe withUnsafeBytes(of: (word.map(UInt64.init) ?? .max).littleEndian) {
          unsafe bytes.append(contentsOf: $0)
        }
      }
    }
    let checksum = unsafe bytes.withUnsafeBytes { unsafe crc32c($0) }
    unsafe withUnsafeBytes(of: checksum.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    return bytes
  }
}
