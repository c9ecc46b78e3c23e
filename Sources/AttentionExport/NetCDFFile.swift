internal import AttentionAnalysis
internal import AttentionTrace
internal import TensorEngine

// Unsafe: bytes are lent to a sink for the length of its call; elements are read within the bytes that
// are lent.

/// Arrays and texts as a file of NetCDF's classic format, which needs no library to be written.
///
/// It is CDF-2, which every reader of NetCDF opens, or CDF-5 where an array has 2 GiB or more, or a
/// number needs 64 bits. Halves, which NetCDF has not, become float32; texts become characters along
/// one more axis, with the attribute `_Encoding`.
///
/// Source: The NetCDF Classic Format Specification (Unidata, NetCDF User's Guide, appendix B).
struct NetCDFFile {
  /// An external type, by its number in the format.
  private enum External: UInt32 {
    case byte = 1
    case character = 2
    case int = 4
    case float = 5
    case double = 6
    case unsigned64 = 11

    var bytes: Int {
      switch self {
      case .byte, .character: 1
      case .int, .float: 4
      case .double, .unsigned64: 8
      }
    }
  }

  private struct Dimension: Hashable {
    let name: String
    let size: Int
  }

  private struct Variable {
    let array: ExportedArray
    let type: External
    let dimensions: [Dimension]
    let attributes: [(name: String, text: String)]

    /// Bytes of its elements, without what fills them up to four.
    var bytes: Int { dimensions.reduce(type.bytes) { $0 * $1.size } }
  }

  private let dimensions: [Dimension]
  private let variables: [Variable]
  private let attributes: [(name: String, text: String)]
  /// Whether lengths and places have 64 bits, as CDF-5 has them.
  private let isWide: Bool
  /// What stands before the variables.
  private let header: [UInt8]

  /// From this many bytes of an array on, the file is CDF-5.
  private static let wideFrom = 1 << 31

  /// - Parameter attributes: Those of the file.
  init(_ arrays: [ExportedArray], _ attributes: [String: String]) {
    variables = arrays.map(Self.variable)
    self.attributes =
      [("Conventions", ExportAttributes.conventions)]
      + attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    var dimensions: [Dimension] = []
    for dimension in variables.flatMap(\.dimensions) where !dimensions.contains(dimension) {
      dimensions.append(dimension)
    }
    self.dimensions = dimensions
    isWide = variables.contains { $0.type == .unsigned64 || $0.bytes >= Self.wideFrom }
    // The header is as long whatever the places in it are.
    let draft = Self.header(
      dimensions, variables, self.attributes, isWide: isWide, from: 0)
    header = Self.header(
      dimensions, variables, self.attributes, isWide: isWide, from: draft.count)
  }

  /// Bytes of the whole file.
  var bytes: Int { variables.reduce(header.count) { $0 + Self.filled($1.bytes) } }

  /// Gives the file's bytes to `sink`.
  func write(to sink: ByteSink) throws {
    try unsafe header.withUnsafeBytes(sink)
    for variable in variables {
      if let texts = variable.array.texts, let width = variable.dimensions.last?.size {
        let bytes = texts.flatMap { text in
          Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
        }
        try unsafe bytes.withUnsafeBytes(sink)
      } else {
        try unsafe variable.array.write { bytes in
          try unsafe Self.bigEndian(bytes, variable.array.type, variable.type)
            .withUnsafeBytes(sink)
        }
      }
      let filler = Self.filled(variable.bytes) - variable.bytes
      if filler > 0 { try unsafe [UInt8](repeating: 0, count: filler).withUnsafeBytes(sink) }
    }
  }

  // MARK: - Variables

  private static func variable(_ array: ExportedArray) -> Variable {
    var dimensions = array.axes.map { Dimension(name: $0.name, size: $0.labels.count) }
    var attributes = [("long_name", array.attributes.longName)]
    if let units = array.attributes.units { attributes.append(("units", units)) }
    if let names = array.attributes.coordinates { attributes.append(("coordinates", names)) }
    let type: External
    switch array.type {
    case .text:
      let width = max(1, array.texts?.map(\.utf8.count).max() ?? 1)
      dimensions.append(Dimension(name: "bytes_\(width)", size: width))
      attributes.append(("_Encoding", "utf-8"))
      type = .character
    case .number(.int8): type = .byte
    case .number(.int32): type = .int
    case .number(.uint64): type = array.fitsInt32 ? .int : .unsigned64
    case .number(.float16), .number(.float32): type = .float
    case .number(.float64): type = .double
    }
    return Variable(array: array, type: type, dimensions: dimensions, attributes: attributes)
  }

  /// Elements of a type as they stand in the file.
  private static func bigEndian(
    _ bytes: UnsafeRawBufferPointer, _ type: ExportedType, _ external: External
  ) -> [UInt8] {
    func elements<Stored: FixedWidthInteger & BitwiseCopyable, Written: FixedWidthInteger>(
      _ stored: Stored.Type, _ element: (Stored) -> Written
    ) -> [UInt8] {
      let size = MemoryLayout<Stored>.size
      let written = (0..<bytes.count / size).map { index in
        let value = unsafe bytes.loadUnaligned(fromByteOffset: index * size, as: Stored.self)
        return element(Stored(littleEndian: value)).bigEndian
      }
      return unsafe written.withUnsafeBytes { unsafe Array($0) }
    }
    return switch (type, external) {
    case (.number(.float16), _):
      elements(UInt16.self) { Float(Float16(bitPattern: $0)).bitPattern }
    case (.number(.uint64), .int): elements(UInt64.self) { Int32(clamping: $0) }
    case (_, .byte), (_, .character): elements(UInt8.self) { $0 }
    case (_, .int), (_, .float): elements(UInt32.self) { $0 }
    case (_, .double), (_, .unsigned64): elements(UInt64.self) { $0 }
    }
  }

  // MARK: - The header

  private static func filled(_ count: Int) -> Int { (count + 3) & ~3 }

  private static func header(
    _ dimensions: [Dimension], _ variables: [Variable],
    _ attributes: [(name: String, text: String)],
    isWide: Bool, from start: Int
  ) -> [UInt8] {
    var bytes = Array("CDF".utf8) + [isWide ? 5 : 2]
    func add<Number: FixedWidthInteger>(_ number: Number) {
      for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
      }
    }
    func add(count: Int) { if isWide { add(Int64(count)) } else { add(Int32(clamping: count)) } }
    func add(text: String) {
      add(count: text.utf8.count)
      bytes += text.utf8
      bytes += [UInt8](repeating: 0, count: filled(text.utf8.count) - text.utf8.count)
    }
    func add(_ tag: Int32, _ count: Int) {
      add(count == 0 ? 0 : tag)
      add(count: count)
    }
    func add(_ attributes: [(name: String, text: String)]) {
      add(0x0C, attributes.count)
      for attribute in attributes {
        add(text: attribute.name)
        add(External.character.rawValue)
        add(text: attribute.text)
      }
    }
    // No axis grows.
    add(count: 0)
    add(0x0A, dimensions.count)
    for dimension in dimensions {
      add(text: dimension.name)
      add(count: dimension.size)
    }
    add(attributes)
    add(0x0B, variables.count)
    var place = start
    for variable in variables {
      add(text: variable.array.name)
      add(count: variable.dimensions.count)
      for dimension in variable.dimensions {
        add(count: dimensions.firstIndex(of: dimension) ?? 0)
      }
      add(variable.attributes)
      add(variable.type.rawValue)
      add(count: filled(variable.bytes))
      add(Int64(place))
      place += filled(variable.bytes)
    }
    return bytes
  }
}

extension ExportedArray {
  /// Whether each of its whole numbers is one of 32 bits.
  fileprivate var fitsInt32: Bool {
    var fits = true
    try? unsafe write { bytes in
      for offset in stride(from: 0, to: bytes.count, by: 8) {
        let number = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        fits = fits && UInt64(littleEndian: number) <= UInt64(Int32.max)
      }
    }
    return fits
  }
}
