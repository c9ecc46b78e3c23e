private import CKernels
internal import Glibc

// Unsafe: kernels in C take addresses. A weight keeps its tensor or its halves alive, and `widen`
// checks ranges.

/// A layer's matrix or kernels, in the precision they are kept in: float32, or 16 bits that are
/// widened where they are used.
///
/// Widening is exact: a result does not depend on how a weight is kept.
package struct Weight: Sendable {
  private enum Numbers: Sendable {
    case float32(Tensor)
    case halves(HalfStorage)
  }

  /// Extents, outermost first.
  package let shape: [Int]
  private let numbers: Numbers

  /// Keeps a tensor as it is.
  package init(_ tensor: Tensor) {
    shape = tensor.shape
    numbers = .float32(tensor)
  }

  /// Keeps a tensor rounded to float16.
  package init(rounding tensor: Tensor) {
    shape = tensor.shape
    numbers = .halves(HalfStorage(rounding: tensor))
  }

  /// Views 16-bit numbers of a file.
  init(_ halves: HalfStorage, shape: [Int]) {
    self.shape = shape
    numbers = .halves(halves)
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// The elements in row-major order, widened and copied.
  package var values: [Float] {
    unsafe withFloats(0..<count) { unsafe Array(UnsafeBufferPointer(start: $0, count: count)) }
  }

  /// Lends the elements of `range` in row-major order to `body`.
  func withFloats<Result>(
    _ range: Range<Int>, _ body: (UnsafePointer<Float>) -> Result
  ) -> Result {
    switch numbers {
    case .float32(let tensor):
      return unsafe tensor.withPointer { unsafe body($0 + range.lowerBound) }
    case .halves(let halves):
      let floats = Storage(count: range.count)
      unsafe halves.widen(range, into: floats.pointer)
      return withExtendedLifetime(floats) { unsafe body(UnsafePointer(floats.pointer)) }
    }
  }

  /// Lends `columns` of the first axis's `rows` to `body`, each row taken flat: the address of the
  /// first element, and the floats from row to row.
  func withRows(
    _ rows: Range<Int>, _ columns: Range<Int>, _ body: (UnsafePointer<Float>, Int) -> Void
  ) {
    let width = count / shape[0]
    switch numbers {
    case .float32(let tensor):
      unsafe tensor.withPointer {
        unsafe body($0 + rows.lowerBound * width + columns.lowerBound, width)
      }
    case .halves(let halves):
      let floats = Storage(count: rows.count * columns.count)
      for (index, row) in rows.enumerated() {
        let first = row * width + columns.lowerBound
        unsafe halves.widen(
          first..<first + columns.count, into: floats.pointer + index * columns.count)
      }
      withExtendedLifetime(floats) { unsafe body(UnsafePointer(floats.pointer), columns.count) }
    }
  }

  /// Packs the numbers `terms` of `rows` of a matrix as columns of a right factor.
  func pack(_ rows: Range<Int>, _ terms: Range<Int>, into panels: UnsafeMutablePointer<Float>) {
    let width = shape[1]
    let first = rows.lowerBound * width + terms.lowerBound
    switch numbers {
    case .float32(let tensor):
      unsafe tensor.withPointer {
        unsafe ck_pack($0 + first, width, rows.count, terms.count, panels)
      }
    case .halves(let halves):
      unsafe halves.pack(
        first, stride: width, count: rows.count, width: terms.count, asRows: false, into: panels)
    }
  }

  /// Packs the numbers `terms` of `columns` of a matrix as columns of a right factor.
  func packColumns(
    _ columns: Range<Int>, _ terms: Range<Int>, into panels: UnsafeMutablePointer<Float>
  ) {
    let width = shape[1]
    let first = terms.lowerBound * width + columns.lowerBound
    switch numbers {
    case .float32(let tensor):
      unsafe tensor.withPointer {
        unsafe ck_pack_rows($0 + first, width, columns.count, terms.count, panels)
      }
    case .halves(let halves):
      unsafe halves.pack(
        first, stride: width, count: terms.count, width: columns.count, asRows: true, into: panels)
    }
  }

  /// Lends all elements to `body`, widened on all threads.
  func withFloats<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    guard case .halves(let halves) = numbers else { return unsafe withFloats(0..<count, body) }
    let floats = Storage(count: count)
    Parallel.ranges(count, grain: 1 << 16) {
      unsafe halves.widen($0, into: floats.pointer + $0.lowerBound)
    }
    return withExtendedLifetime(floats) { unsafe body(UnsafePointer(floats.pointer)) }
  }

  /// Gives the memory of a mapped weight back until it is used again.
  ///
  /// The system keeps what it has room for, and reading it again costs a hundredth of a product with
  /// it. So the memory a network takes is that of its activations and of the layer that runs.
  func release() {
    switch numbers {
    case .float32(let tensor): tensor.storage.release()
    case .halves(let halves): halves.release()
    }
  }
}

/// The owner of 16-bit numbers: IEEE halves or the upper halves of float32, in memory or in a file.
///
/// Nothing writes to it once it exists, which is what makes it safe to share.
@safe final class HalfStorage: @unchecked Sendable {
  private let pointer: UnsafePointer<UInt16>
  private let count: Int
  /// Whether these are bfloat16.
  private let isBrain: Bool
  /// What the pointer points into; `nil` when the memory is owned.
  private let file: MappedFile?
  private let offset: Int

  /// Views `count` numbers of `file` from the even byte `offset` on.
  init(viewing file: MappedFile, offset: Int, count: Int, isBrain: Bool) {
    guard count >= 0 && offset % 2 == 0 && offset + 2 * count <= file.count else {
      bug("\(count) halves at byte \(offset) of a file")
    }
    unsafe pointer = unsafe file.address(of: offset).assumingMemoryBound(to: UInt16.self)
    (self.count, self.isBrain, self.file, self.offset) = (count, isBrain, file, offset)
  }

  /// Rounds a tensor's numbers to float16.
  init(rounding tensor: Tensor) {
    let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: max(tensor.count, 1))
    Parallel.ranges(tensor.count, grain: 1 << 16) { range in
      let first = range.lowerBound
      unsafe ck_float_to_half(tensor.storage.pointer + first, memory + first, range.count)
    }
    unsafe pointer = unsafe UnsafePointer(memory)
    (count, isBrain, file, offset) = (tensor.count, false, nil, 0)
  }

  deinit { if file == nil { unsafe pointer.deallocate() } }

  func widen(_ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    guard range.lowerBound >= 0 && range.upperBound <= count else {
      bug("\(range) of \(count) halves")
    }
    let source = unsafe pointer + range.lowerBound
    if isBrain {
      unsafe ck_brain_to_float(source, target, range.count)
    } else {
      unsafe ck_half_to_float(source, target, range.count)
    }
  }

  /// Packs `count` rows of `width` numbers, the first of which is number `first`, as columns of a right factor, or as
  /// its rows.
  func pack(
    _ first: Int, stride: Int, count rows: Int, width: Int, asRows: Bool,
    into panels: UnsafeMutablePointer<Float>
  ) {
    let last = first + (rows - 1) * stride + width
    guard first >= 0 && rows > 0 && width <= stride && last <= count else {
      bug("\(rows) rows of \(width) numbers from \(first) on, of \(count) halves")
    }
    let (start, brain): (_, Int32) = unsafe (pointer + first, isBrain ? 1 : 0)
    if asRows {
      unsafe ck_pack_half_rows(start, stride, width, rows, brain, panels)
    } else {
      unsafe ck_pack_halves(start, stride, rows, width, brain, panels)
    }
  }

  func release() { file?.release(offset..<offset + 2 * count) }
}
