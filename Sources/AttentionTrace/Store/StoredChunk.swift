internal import CKernels
internal import TensorEngine

// Unsafe: a chunk's bytes are read after their count is checked.

extension RecordedArray {
  /// Checks a chunk's checksum against what stands behind it and what the journal has.
  static func check(_ got: UInt32, own: UInt32, written: UInt32, path: String) throws {
    guard got == own && got == written else {
      throw TraceError.checksum(path: path, expected: written, got: got == written ? own : got)
    }
  }

  /// The values in a chunk's file, in the array's ``shape``.
  ///
  /// - Parameters:
  ///   - bytes: The whole file: elements in `precision`, then their CRC-32C.
  ///   - written: The CRC-32C that the journal has.
  ///   - path: The file's, for messages.
  /// - Throws: `TraceError` when the length or a checksum is another.
  func decode(
    _ bytes: [UInt8], _ precision: RecordingPlan.Precision, written: UInt32, path: String
  ) throws -> Tensor {
    let size = count * precision.bytes
    guard bytes.count == size + 4 else {
      throw TraceError.malformed(path: path, reason: "\(bytes.count) bytes, expected \(size + 4)")
    }
    return try unsafe bytes.withUnsafeBytes { bytes in
      let got = unsafe crc32c(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4)))
      let own = unsafe UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: size, as: UInt32.self))
      try Self.check(got, own: own, written: written, path: path)
      return unsafe tensor(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4)), precision)
    }
  }

  /// The values of a chunk's elements in `precision`, in the array's ``shape``.
  func tensor(
    _ elements: UnsafeRawBufferPointer, _ precision: RecordingPlan.Precision
  ) -> Tensor {
    unsafe Tensor(shape: shape) { target in
      guard let base = elements.baseAddress else { return }
      switch precision {
      case .float16:
        unsafe ck_half_to_float(base.assumingMemoryBound(to: UInt16.self), target, count)
      case .float32:
        unsafe UnsafeMutableRawPointer(target).copyMemory(
          from: base, byteCount: count * MemoryLayout<Float>.stride)
      }
    }
  }
}
