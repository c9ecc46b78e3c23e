internal import CKernels

// Unsafe: the kernel reads as many bytes as the buffer has.

/// CRC-32C (Castagnoli) of `bytes`, or of those that gave `earlier` and these after them.
package func crc32c(_ bytes: UnsafeRawBufferPointer, after earlier: UInt32 = 0) -> UInt32 {
  guard let base = bytes.baseAddress else { return earlier }
  return unsafe ck_crc32c(earlier, base.assumingMemoryBound(to: UInt8.self), bytes.count)
}
