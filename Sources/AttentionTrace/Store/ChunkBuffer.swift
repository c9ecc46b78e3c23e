// Unsafe: the buffer is allocated and freed here, and has room for its elements and a checksum.

/// The bytes of one chunk, with room for the checksum that the store's last codec appends.
///
/// One thread at a time fills or reads it: the recorder hands it to the writer with the pass, and
/// gets it back when that pass is on disk.
@safe final class ChunkBuffer: @unchecked Sendable {
  /// Elements and checksum.
  let bytes: UnsafeMutableRawBufferPointer

  /// Room for `count` bytes of elements.
  init(bytes count: Int) {
    unsafe bytes = .allocate(byteCount: count + 4, alignment: 64)
  }

  deinit { unsafe bytes.deallocate() }

  /// The elements alone.
  var elements: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes.dropLast(4))
  }

  /// A chunk of an array of indices along its own axis, from the element `first`.
  static func indices(
    from first: Int, count: Int, value: (Int) -> Int32
  ) -> ChunkBuffer {
    let buffer = ChunkBuffer(bytes: count * 4)
    for place in 0..<count {
      unsafe buffer.bytes.storeBytes(
        of: value(first + place).littleEndian, toByteOffset: place * 4, as: Int32.self)
    }
    _ = buffer.seal()
    return buffer
  }

  /// Writes the CRC-32C of the elements behind them, and returns it.
  func seal() -> UInt32 {
    let checksum = unsafe crc32c(UnsafeRawBufferPointer(elements))
    unsafe bytes.storeBytes(
      of: checksum.littleEndian, toByteOffset: bytes.count - 4, as: UInt32.self)
    return checksum
  }
}
