internal import CKernels

/// Writes safetensors files with the bytes that the format's own library writes.
///
/// Tensors are sorted by type, then by the bytes of their names; metadata by key.
///
/// Source: huggingface/safetensors, safetensors/src/tensor.rs, `prepare` and `serialize`.
package enum SafetensorsWriter {
  /// A tensor's elements in the type they are written as.
  package enum Payload: Sendable {
    case float32(Tensor)
    /// Rounded to the nearest half.
    case float16(Tensor)
    case int64([Int64], shape: [Int])
    /// Bytes as they shall stand in the file, which `content` gives to a sink piece by piece.
    case stream(
      SafetensorsType, shape: [Int],
      content: @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void)

    var type: SafetensorsType {
      switch self {
      case .float32: .f32
      case .float16: .f16
      case .int64: .i64
      case .stream(let type, _, _): type
      }
    }

    var shape: [Int] {
      switch self {
      case .float32(let tensor), .float16(let tensor): tensor.shape
      case .int64(_, let shape), .stream(_, let shape, _): shape
      }
    }

    var byteCount: Int { shape.reduce(type.bits / 8, *) }
  }

  /// Writes `tensors` to `path`, which appears only once it is whole.
  /// - Precondition: names differ and none is `__metadata__`.
  /// - Throws: ``FileError``.
  package static func write(
    _ tensors: [(name: String, payload: Payload)], metadata: [String: String] = [:],
    to path: String, isDurable: Bool = false
  ) throws {
    try AtomicFile.write(to: path, isDurable: isDurable) { file in
      try write(tensors, metadata: metadata) { try file.append($0) }
    }
  }

  /// Gives the bytes of a file of `tensors` to `sink`, in order.
  /// - Precondition: names differ and none is `__metadata__`.
  /// - Throws: what `sink` throws.
  package static func write(
    _ tensors: [(name: String, payload: Payload)], metadata: [String: String],
    to sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let order = SafetensorsType.allCases
    let ranks = Dictionary(uniqueKeysWithValues: zip(order, order.indices))
    let sorted = tensors.sorted { first, second in
      let (a, b) = (ranks[first.payload.type, default: 0], ranks[second.payload.type, default: 0])
      return a != b ? a > b : first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
    }
    let header = header(of: sorted, metadata: metadata)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian, sink)
    try header.withUnsafeBytes(sink)
    for (_, payload) in sorted { try append(payload, to: sink) }
  }

  private static func header(
    of tensors: [(name: String, payload: Payload)], metadata: [String: String]
  ) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let notes = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      members.append(
        "\"__metadata__\":{"
          + notes.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",") + "}")
    }
    var index = NameIndex()
    var end = 0
    for (name, payload) in tensors {
      guard name != "__metadata__" && index.insert(name) else {
        bug("two tensors named \(quoted(name))")
      }
      let begin = end
      end += payload.byteCount
      let shape = payload.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(quoted(name)):{\"dtype\":\"\(payload.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return header
  }

  private static func append(
    _ payload: Payload, to sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    switch payload {
    case .float32(let tensor):
      try tensor.withPointer {
        try sink(UnsafeRawBufferPointer(UnsafeBufferPointer(start: $0, count: tensor.count)))
      }
    case .float16(let tensor):
      let halves = [UInt16](unsafeUninitializedCapacity: tensor.count) { buffer, count in
        tensor.withPointer { source in
          if let base = buffer.baseAddress { ck_float_to_half(source, base, tensor.count) }
        }
        count = tensor.count
      }
      try halves.withUnsafeBytes(sink)
    case .int64(let integers, let shape):
      guard integers.count == shape.reduce(1, *) else {
        bug("shape \(shape) over \(integers.count) integers")
      }
      try integers.withUnsafeBytes(sink)
    case .stream(let type, let shape, let content):
      var count = 0
      try content { bytes in
        count += bytes.count
        try sink(bytes)
      }
      guard count == payload.byteCount else {
        bug("\(count) bytes for \(type.rawValue) of shape \(shape)")
      }
    }
  }

  /// `text` as a JSON string, with the escapes that serde_json writes.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{08}": result += "\\b"
      case "\u{0C}": result += "\\f"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{00}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
