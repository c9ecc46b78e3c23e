internal import CKernels

// Unsafe: a mapped file lends its bytes by address; the header that was checked bounds them.

/// A safetensors file, mapped, whose header was checked in full.
///
/// Stricter than the library of the format: duplicate names, unknown fields, holes, overlaps and
/// bytes that belong to no tensor are refused.
///
/// Source: huggingface/safetensors, README.md and safetensors/src/tensor.rs.
package struct SafetensorsFile: Sendable {
  /// One tensor of the file.
  package struct Entry: Equatable, Sendable {
    package let name: String
    package let type: SafetensorsType
    /// Extents, outermost first.
    package let shape: [Int]
    /// The tensor's bytes, counted from the start of the file.
    package let range: Range<Int>
    /// Where the header names the tensor.
    package let headerOffset: Int

    /// The number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// The tensor in another shape, or consecutive elements of it.
    ///
    /// - Precondition: `elements` are as many as `shape` has, and lie within the tensor.
    package func part(_ elements: Range<Int>, shape: [Int]) -> Entry {
      guard
        elements.lowerBound >= 0 && elements.upperBound <= count && type.bits % 8 == 0
          && elements.count == shape.reduce(1, *)
      else { bug("the elements \(elements) of \(self.shape) as \(shape)") }
      let size = type.bits / 8
      let first = range.lowerBound + size * elements.lowerBound
      return Entry(
        name: name, type: type, shape: shape, range: first..<first + size * elements.count,
        headerOffset: headerOffset)
    }
  }

  private let file: MappedFile
  private let index: NameIndex
  /// The tensors in the order of the header.
  package let entries: [Entry]
  /// The file's own notes, in the order of the header.
  package let metadata: [(key: String, value: String)]

  /// Opens the file at `path` and checks its header; no tensor is read.
  /// - Parameter root: a folder that `path` begins with, and that no symbolic link may lead out of.
  /// - Throws: ``FileError`` with the rule that is broken, the tensor and the byte.
  package init(path: String, within root: String? = nil) throws {
    let file = try MappedFile(path: path, within: root)
    let header = try SafetensorsHeader(of: file)
    self.file = file
    index = header.index
    entries = header.entries
    metadata = header.metadata
  }

  /// The file's path, as it was given.
  package var path: String { file.path }

  /// The tensors' names in the order of the header.
  package var names: [String] { index.names }

  /// The tensor named `name`, if there is one.
  package func entry(_ name: String) -> Entry? { index.position(of: name).map { entries[$0] } }

  /// Reads a tensor of floats as float32; F32 is not copied where it is aligned.
  ///
  /// F16, BF16 and the two 8-bit floats are widened, F64 is rounded to the nearest float32. Numbers
  /// that are not finite are let through.
  /// - Throws: ``FileError`` when there is no such tensor or it has another type.
  package func tensor(_ name: String) throws -> Tensor { try tensor(require(name)) }

  /// Reads a tensor of this file or a part of one, as ``tensor(_:)-(String)`` does.
  /// - Throws: ``FileError`` when it has another type.
  package func tensor(_ entry: Entry) throws -> Tensor {
    let base = unsafe file.address(of: entry.range.lowerBound)
    switch entry.type {
    case .f32 where UInt(bitPattern: base) % 4 == 0:
      let storage = Storage(viewing: file, offset: entry.range.lowerBound, count: entry.count)
      return Tensor(storage: storage, shape: entry.shape)
    case .f32:
      return withExtendedLifetime(file) {
        unsafe Tensor(shape: entry.shape) {
          unsafe UnsafeMutableRawPointer($0).copyMemory(from: base, byteCount: entry.range.count)
        }
      }
    case .f16, .bf16:
      return withExtendedLifetime(file) {
        unsafe Tensor(shape: entry.shape) { target in
          unsafe Self.widen(base, count: entry.count, isBrain: entry.type == .bf16, into: target)
        }
      }
    case .f8E4M3, .f8E5M2:
      let numbers = entry.type == .f8E4M3 ? EightBitFloat.e4m3 : EightBitFloat.e5m2
      return withExtendedLifetime(file) {
        unsafe Tensor(shape: entry.shape) { target in
          for index in 0..<entry.count {
            unsafe target[index] =
              numbers[
                Int(base.load(fromByteOffset: index, as: UInt8.self))]
          }
        }
      }
    case .f64:
      return withExtendedLifetime(file) {
        unsafe Tensor(shape: entry.shape) { target in
          for index in 0..<entry.count {
            unsafe target[index] = Float(
              base.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
          }
        }
      }
    default:
      throw unsupported(entry, readable: "F64, F32, F16, BF16, F8_E4M3 and F8_E5M2")
    }
  }

  /// Reads a layer's weight as ``tensor(_:)-(String)`` does, but leaves 16-bit numbers as they are,
  /// and keeps 8-bit ones as float16, which has all of them.
  /// - Throws: ``FileError`` when there is no such tensor or it has another type.
  package func weight(_ name: String) throws -> Weight { try weight(require(name)) }

  /// Reads a layer's weight, a tensor of this file or a part of one, as ``weight(_:)-(String)`` does.
  /// - Throws: ``FileError`` when it has another type.
  package func weight(_ entry: Entry) throws -> Weight {
    guard entry.type == .f16 || entry.type == .bf16, entry.range.lowerBound % 2 == 0 else {
      let numbers = try tensor(entry)
      return entry.type.bits == 8 ? Weight(rounding: numbers) : Weight(numbers)
    }
    let halves = HalfStorage(
      viewing: file, offset: entry.range.lowerBound, count: entry.count,
      isBrain: entry.type == .bf16)
    return Weight(halves, shape: entry.shape)
  }

  /// Reads a tensor of I64, I32 or U8 as integers, in row-major order.
  /// - Throws: ``FileError`` when there is no such tensor or it has another type.
  package func integers(_ name: String) throws -> [Int] {
    let entry = try require(name)
    return try unsafe file.withBytes { bytes in
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[entry.range])
      switch entry.type {
      case .i64: return unsafe Self.load(bytes, as: Int64.self)
      case .i32: return unsafe Self.load(bytes, as: Int32.self)
      case .u8: return unsafe Self.load(bytes, as: UInt8.self)
      default: throw unsupported(entry, readable: "I64, I32 and U8")
      }
    }
  }

  private func require(_ name: String) throws -> Entry {
    if let entry = entry(name) { return entry }
    throw FileError(
      .malformed, path: path, reason: "expected a tensor \(FileError.quoted(name)), got none")
  }

  private func unsupported(_ entry: Entry, readable: String) -> FileError {
    FileError(
      .unsupported, path: path, offset: entry.headerOffset,
      subject: "tensor \(FileError.quoted(entry.name))",
      reason: "expected one of the types \(readable), got \(entry.type.rawValue)")
  }

  /// Widens `count` 16-bit numbers at any address: IEEE halves, or the upper half of a float32.
  private static func widen(
    _ source: UnsafeRawPointer, count: Int, isBrain: Bool, into target: UnsafeMutablePointer<Float>
  ) {
    func widen(_ halves: UnsafePointer<UInt16>) {
      if isBrain {
        unsafe ck_brain_to_float(halves, target, count)
      } else {
        unsafe ck_half_to_float(halves, target, count)
      }
    }
    if UInt(bitPattern: source) % 2 == 0 {
      unsafe widen(source.assumingMemoryBound(to: UInt16.self))
    } else {
      unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: count) { halves in
        unsafe UnsafeMutableRawBufferPointer(halves).copyMemory(
          from: UnsafeRawBufferPointer(start: source, count: 2 * count))
        if let base = halves.baseAddress { unsafe widen(base) }
      }
    }
  }

  private static func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, as type: Number.Type
  ) -> [Int] {
    stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
      unsafe Int(bytes.loadUnaligned(fromByteOffset: $0, as: type))
    }
  }
}
