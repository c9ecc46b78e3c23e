internal import AttentionAnalysis
internal import AttentionTrace
internal import TensorEngine

// Unsafe: bytes are lent to a sink for the length of its call, which copies or hashes them and
// keeps no pointer.

/// Takes the bytes of an array or a file, in order.
typealias ByteSink = (UnsafeRawBufferPointer) throws -> Void

/// An array on its way out: what it is, and its numbers block by block in memory order.
///
/// A block is the rest of the array at one place of its first axes: the maps of one call. Memory
/// never holds more of it than that.
@safe struct ExportedArray: Sendable {
  /// What an array is for.
  enum Kind: String, Sendable {
    /// Attention, or numbers computed from it.
    case maps
    /// The label of each position of an axis.
    case coordinate
  }

  /// Its name in every format; safe as a file's.
  let name: String
  let kind: Kind
  /// The layer it is of, if it is of one.
  let layer: AttentionSite?
  /// Outermost first.
  let axes: [ExportAxis]
  let type: ExportedType
  let attributes: ZarrAttributes
  /// The elements of a coordinate of texts, in memory order.
  let texts: [String]?
  /// How many of the axes count blocks.
  let outer: Int
  /// Blocks whose chunk is missing: they are NaN.
  let missing: Set<Int>
  /// Gives the bytes of a block that is there, little-endian.
  let content: @Sendable (Int, ByteSink) throws -> Void

  var shape: [Int] { axes.map(\.labels.count) }
  /// Extents of a block, 1 along the first axes.
  var blockShape: [Int] { Array(repeating: 1, count: outer) + shape[outer...] }
  var blocks: Int { shape[..<outer].reduce(1, *) }
  var blockBytes: Int { shape[outer...].reduce(type.bytes, *) }
  var bytes: Int { blocks * blockBytes }

  /// A coordinate: all of it is one block.
  private init(
    coordinate name: String, _ axes: [ExportAxis], _ type: ExportedType,
    _ attributes: ZarrAttributes, texts: [String]?, bytes: [UInt8]
  ) {
    unsafe self.init(
      name: name, kind: .coordinate, layer: nil, axes: axes, type: type, attributes: attributes,
      texts: texts, outer: 0, missing: []
    ) { _, sink in try unsafe bytes.withUnsafeBytes(sink) }
    guard bytes.count == self.bytes else { bug("\(bytes.count) bytes for \(name) of \(shape)") }
  }

  /// A coordinate of numbers, little-endian.
  init(
    coordinate name: String, _ axes: [ExportAxis], _ type: ZarrType, _ attributes: ZarrAttributes,
    bytes: [UInt8]
  ) {
    self.init(coordinate: name, axes, .number(type), attributes, texts: nil, bytes: bytes)
  }

  /// A coordinate of whole numbers.
  init<Number: FixedWidthInteger & BitwiseCopyable>(
    coordinate name: String, _ axes: [ExportAxis], _ type: ZarrType, _ attributes: ZarrAttributes,
    _ values: [Number]
  ) {
    self.init(
      coordinate: name, axes, type, attributes,
      bytes: unsafe values.map(\.littleEndian).withUnsafeBytes { unsafe Array($0) })
  }

  /// A coordinate of texts.
  init(
    coordinate name: String, _ axes: [ExportAxis], _ attributes: ZarrAttributes, texts: [String]
  ) {
    let scalars = max(1, texts.map(\.unicodeScalars.count).max() ?? 1)
    var bytes: [UInt8] = []
    for text in texts {
      let codes = text.unicodeScalars.map(\.value)
      for code in codes + [UInt32](repeating: 0, count: scalars - codes.count) {
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }
      }
    }
    self.init(
      coordinate: name, axes, .text(scalars: scalars), attributes, texts: texts, bytes: bytes)
  }

  init(
    name: String, kind: Kind = .maps, layer: AttentionSite?, axes: [ExportAxis],
    type: ExportedType, attributes: ZarrAttributes, texts: [String]? = nil, outer: Int,
    missing: Set<Int>, content: @escaping @Sendable (Int, ByteSink) throws -> Void
  ) {
    self.name = name
    self.kind = kind
    self.layer = layer
    self.axes = axes
    self.type = type
    self.attributes = attributes
    self.texts = texts
    self.outer = outer
    self.missing = missing
    unsafe self.content = unsafe content
  }

  /// Gives a block's bytes to `sink`.
  func write(block: Int, to sink: ByteSink) throws {
    if missing.contains(block) {
      try unsafe Self.writeNaN(type, bytes: blockBytes, to: sink)
    } else {
      try unsafe content(block, sink)
    }
  }

  /// Gives all bytes to `sink`, in memory order.
  func write(to sink: ByteSink) throws {
    for block in 0..<blocks { try unsafe write(block: block, to: sink) }
  }

  private static func writeNaN(_ type: ExportedType, bytes: Int, to sink: ByteSink) throws {
    switch type {
    case .number(.float16):
      try unsafe [UInt16](repeating: 0x7E00, count: bytes / 2).withUnsafeBytes(sink)
    case .number(.float32):
      try unsafe [Float](repeating: .nan, count: bytes / 4).withUnsafeBytes(sink)
    default: bug("\(type.name) has no NaN")
    }
  }
}

extension RecordingPlan.Precision {
  /// The same as an array's type.
  var type: ExportedType { .number(self == .float16 ? .float16 : .float32) }
}
