// Unsafe: elements lie at an address. Their storage is kept alive for as long as the address is
// lent.

/// A row-major block of float32 numbers and its shape.
///
/// A tensor is a value: nothing changes it once it exists. One that was made from a ``Tape``'s
/// variable knows its place on that tape, and what is computed from it is written there too.
public struct Tensor: Sendable {
  /// Extents, outermost first; an empty shape is a scalar.
  public let shape: [Int]
  package let storage: Storage
  /// Where on a tape this value stands; `nil` for a constant.
  package let place: Tape.Place?

  package init(storage: Storage, shape: [Int], place: Tape.Place? = nil) {
    guard shape.allSatisfy({ $0 >= 0 }) && shape.reduce(1, *) == storage.count else {
      bug("shape \(shape) over \(storage.count) floats")
    }
    self.storage = storage
    self.shape = shape
    self.place = place
  }

  /// Copies `values` into a tensor of `shape`.
  /// - Precondition: `values` has as many elements as `shape` says.
  public init(_ values: [Float], shape: [Int]) {
    let storage = Storage(count: values.count)
    unsafe values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress {
        unsafe storage.pointer.update(from: base, count: source.count)
      }
    }
    self.init(storage: storage, shape: shape)
  }

  /// Makes a tensor of `shape` whose memory `fill` must write in full.
  package init(
    shape: [Int], fill: (UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    let storage = Storage(count: shape.reduce(1, *))
    try unsafe fill(storage.pointer)
    self.init(storage: storage, shape: shape)
  }

  /// A tensor whose elements are all `value`.
  public static func full(_ value: Float, shape: [Int]) -> Tensor {
    let storage = Storage(count: shape.reduce(1, *))
    unsafe storage.pointer.initialize(repeating: value, count: storage.count)
    return Tensor(storage: storage, shape: shape)
  }

  /// A scalar.
  public static func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }

  /// The number of elements.
  public var count: Int { storage.count }

  /// The number of dimensions.
  public var rank: Int { shape.count }

  /// The elements in row-major order, copied.
  public var values: [Float] {
    unsafe withPointer { unsafe Array(UnsafeBufferPointer(start: $0, count: count)) }
  }

  /// The only element.
  /// - Precondition: the tensor has exactly one.
  public var item: Float {
    guard count == 1 else { bug("item of a tensor of shape \(shape)") }
    return unsafe withPointer { unsafe $0[0] }
  }

  /// Lends the elements in row-major order to `body`; the span ends with the call.
  public func withSpan<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    try unsafe withPointer { try unsafe body(UnsafeBufferPointer(start: $0, count: count).span) }
  }

  /// Lends the elements' address to `body`, which must neither keep it nor write through it.
  package func withPointer<Result>(
    _ body: (UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(storage) { try unsafe body(UnsafePointer(storage.pointer)) }
  }

  /// Whether the numbers come from a variable, so that they may have a gradient.
  package var isOnTape: Bool { place != nil }

  /// The same numbers, off any tape: what is computed from it has no gradient.
  public var detached: Tensor { Tensor(storage: storage, shape: shape) }
}
