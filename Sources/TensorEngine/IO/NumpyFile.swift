internal import CKernels

// Unsafe: a mapped file lends its bytes by address; the header that was checked bounds them.

/// One array in a `.npy` file, as `numpy.save` writes it.
///
/// Format versions 1 to 3, in row-major or column-major order, little-endian; a header that breaks a
/// rule of the format is refused.
///
/// Source: numpy/numpy, numpy/lib/_format_impl.py.
public struct NumpyFile: Sendable {
  /// The types of elements that are read, by NumPy's names.
  public enum ElementType: String, CaseIterable, Sendable {
    /// 32-bit floating point.
    case float32 = "<f4"
    /// 16-bit floating point.
    case float16 = "<f2"
    /// 64-bit floating point.
    case float64 = "<f8"
    /// 32-bit integers.
    case int32 = "<i4"
    /// 64-bit integers.
    case int64 = "<i8"

    /// The size of an element in bytes.
    var size: Int {
      switch self {
      case .float16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  private let file: MappedFile
  private let header: NumpyHeader

  /// Opens the array at `path` and checks its header against the file's size.
  /// - Throws: ``FileError`` with the rule that is broken and the byte.
  public init(path: String) throws { try self.init(path: path, within: nil) }

  /// The same for a file in a folder that no symbolic link may lead out of.
  package init(path: String, within root: String?) throws {
    file = try MappedFile(path: path, within: root)
    header = try unsafe file.withBytes { try unsafe NumpyHeader(of: $0, path: path) }
  }

  /// Extents, outermost first.
  public var shape: [Int] { header.shape }

  /// The type of the elements.
  public var type: ElementType { header.type }

  /// Reads floating-point numbers as a float32 tensor in row-major order; float64 is rounded to the
  /// nearest.
  /// - Throws: ``FileError`` when the elements are integers.
  public func tensor() throws -> Tensor {
    try unsafe file.withBytes { bytes in
      let data = unsafe UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
      switch type {
      case .float32:
        return unsafe Tensor(ordered(Self.load(data, as: Float.self)), shape: shape)
      case .float16:
        let halves = unsafe ordered(Self.load(data, as: UInt16.self))
        return unsafe Tensor(shape: shape) { unsafe ck_half_to_float(halves, $0, halves.count) }
      case .float64:
        return unsafe Tensor(
          ordered(Self.load(data, as: Double.self)).map { Float($0) }, shape: shape)
      case .int32, .int64:
        throw mismatch("a floating-point type (<f4, <f2 or <f8)")
      }
    }
  }

  /// Reads int32 or int64 in row-major order.
  /// - Throws: ``FileError`` when the elements are not integers.
  public func integers() throws -> [Int] {
    try unsafe file.withBytes { bytes in
      let data = unsafe UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
      switch type {
      case .int32: return unsafe ordered(Self.load(data, as: Int32.self)).map(Int.init)
      case .int64: return unsafe ordered(Self.load(data, as: Int64.self)).map(Int.init)
      case .float32, .float16, .float64: throw mismatch("an integer type (<i4 or <i8)")
      }
    }
  }

  private func mismatch(_ expected: String) -> FileError {
    FileError(
      .unsupported, path: file.path, subject: "descr",
      reason: "expected \(expected), got \(type.rawValue)")
  }

  private static func load<Number: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, as type: Number.Type
  ) -> [Number] {
    unsafe [Number](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Number>.size) {
      buffer, count in
      unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
      count = bytes.count / MemoryLayout<Number>.size
    }
  }

  /// `values` in row-major order: as they are, or turned from column-major order.
  private func ordered<Number>(_ values: [Number]) -> [Number] {
    guard header.isColumnMajor, shape.count > 1, !values.isEmpty else { return values }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var result: [Number] = []
    result.reserveCapacity(values.count)
    var place = [Int](repeating: 0, count: shape.count)
    var source = 0
    for _ in values {
      result.append(values[source])
      var axis = shape.count - 1
      while axis >= 0 {
        place[axis] += 1
        source += strides[axis]
        if place[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        place[axis] = 0
        axis -= 1
      }
    }
    return result
  }

  // MARK: Writing

  /// The bytes before the data in the file that `np.save` writes for a C-contiguous array.
  package static func header(type: ElementType, shape: [Int]) -> [UInt8] {
    header(description: type.rawValue, shape: shape)
  }

  /// The same for elements of any type that NumPy's `description` names, as in `<f8`.
  package static func header(description: String, shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init)
    let tuple = shape.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
    var text = "{'descr': '\(description)', 'fortran_order': False, 'shape': \(tuple), }"
    // NumPy leaves room for the first extent to grow to 21 digits in place.
    if let first = extents.first { text += String(repeating: " ", count: 21 - first.utf8.count) }
    let prefix = 10
    let padding = 64 - (prefix + text.utf8.count + 1) % 64
    text += String(repeating: " ", count: padding) + "\n"
    let size = text.utf8.count
    guard size <= UInt16.max else { bug("an .npy header of \(size) bytes") }
    return NumpyHeader.magic + [1, 0, UInt8(size & 0xFF), UInt8(size >> 8)] + Array(text.utf8)
  }

  /// Writes `tensor` to `path` as float32, byte for byte as `np.save` does.
  /// - Parameters:
  ///   - tensor: The array.
  ///   - path: Where to; the file appears only once it is whole, and replaces one of its name.
  ///   - isDurable: Whether to wait until the file is on the disk.
  /// - Throws: ``FileError`` when it cannot be written.
  public static func write(
    _ tensor: Tensor, to path: String, isDurable: Bool = false
  ) throws {
    try AtomicFile.write(to: path, isDurable: isDurable) { file in
      try file.append(header(type: .float32, shape: tensor.shape))
      try unsafe tensor.withPointer {
        try unsafe file.append(
          UnsafeRawBufferPointer(UnsafeBufferPointer(start: $0, count: tensor.count)))
      }
    }
  }
}
