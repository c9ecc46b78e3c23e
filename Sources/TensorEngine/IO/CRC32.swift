private import CZlib

// Unsafe: zlib reads bytes by address, which the array lends for the length of the call.

/// The checksum of zip and PNG files, which tells damage and no intent.
package enum CRC32 {
  /// The checksum of `bytes`, by the polynomial of ISO 3309.
  package static func checksum(of bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer {
      UInt32(truncatingIfNeeded: unsafe crc32_z(0, $0.baseAddress, $0.count))
    }
  }
}
