internal import CKernels

// Unsafe: numbers are passed on as bytes by address while their owner lends them.

/// Writes safetensors files with the bytes that the format's own library writes.
///
/// Tensors are sorted by type, then by the bytes of their names; metadata by key.
///
/// Source: huggingface/safetensors, safetensors/src/tensor.rs, `prepare` and `serialize`.
public enum SafetensorsWriter {
  /// A tensor's elements in the type they are written as.
  public struct Payload: Sendable {
    @safe fileprivate enum Numbers: Sendable {
      case float32(Tensor)
      case float16(Tensor)
      case int64([Int64])
      case stream(@Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void)
    }

    fileprivate let numbers: Numbers
    let type: SafetensorsType
    let shape: [Int]

    /// A tensor in F32.
    public static func float32(_ tensor: Tensor) -> Payload {
      Payload(numbers: .float32(tensor), type: .f32, shape: tensor.shape)
    }

    /// A tensor whose numbers are rounded to the nearest half, F16.
    public static func float16(_ tensor: Tensor) -> Payload {
      Payload(numbers: .float16(tensor), type: .f16, shape: tensor.shape)
    }

    /// Integers in row-major order, as many as `shape` says, I64.
    public static func int64(_ integers: [Int64], shape: [Int]) -> Payload {
      Payload(numbers: .int64(integers), type: .i64, shape: shape)
    }

    /// Bytes as they are written to the file, which `content` gives to a sink piece by piece.
    package static func stream(
      _ type: SafetensorsType, shape: [Int],
      content: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) -> Payload {
      unsafe Payload(numbers: .stream(content), type: type, shape: shape)
    }

    /// The tensor that is written; `nil` of integers and of a stream.
    package var tensor: Tensor? {
      switch numbers {
      case .float32(let tensor), .float16(let tensor): tensor
      case .int64, .stream: nil
      }
    }

    var byteCount: Int { shape.reduce(type.bits / 8, *) }
  }

  /// Writes `tensors` to `path`, which appears only once it is whole.
  /// - Parameters:
  ///   - tensors: The tensors by their names, which differ; none is `__metadata__`.
  ///   - metadata: Notes, by their keys.
  ///   - path: Where to; a file of that name is replaced.
  ///   - isDurable: Whether to wait until the file is on the disk.
  /// - Throws: ``FileError`` when the file cannot be written, a name is not one of its kind, or a
  ///   tensor has other numbers than its shape says.
  public static func write(
    _ tensors: [(name: String, payload: Payload)], metadata: [String: String] = [:],
    to path: String, isDurable: Bool = false
  ) throws {
    try AtomicFile.write(to: path, isDurable: isDurable) { file in
      try unsafe write(tensors, metadata: metadata, path: path) { try unsafe file.append($0) }
    }
  }

  /// Gives the bytes of a file of `tensors` to `sink`, in order; `path` is what errors call the file.
  /// - Throws: ``FileError``, or what `sink` throws.
  package static func write(
    _ tensors: [(name: String, payload: Payload)], metadata: [String: String],
    path: String = "safetensors", to sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let order = SafetensorsType.allCases
    let ranks = Dictionary(uniqueKeysWithValues: zip(order, order.indices))
    let sorted = tensors.sorted { first, second in
      let (a, b) = (ranks[first.payload.type, default: 0], ranks[second.payload.type, default: 0])
      return a != b ? a > b : first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
    }
    let header = try header(of: sorted, metadata: metadata, path: path)
    try unsafe withUnsafeBytes(of: UInt64(header.count).littleEndian, sink)
    try unsafe header.withUnsafeBytes(sink)
    for (_, payload) in sorted { try unsafe append(payload, path: path, to: sink) }
  }

  private static func header(
    of tensors: [(name: String, payload: Payload)], metadata: [String: String], path: String
  ) throws -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let notes = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      members.append(
        "\"__metadata__\":{"
          + notes.map { "\(JSONText.string($0.key)):\(JSONText.string($0.value))" }.joined(
            separator: ",") + "}")
    }
    var index = NameIndex()
    var end = 0
    for (name, payload) in tensors {
      guard name != "__metadata__" && index.insert(name) else {
        throw FileError(
          .malformed, path: path, subject: "tensor \(FileError.quoted(name))",
          reason: "expected names that differ, and none that is __metadata__")
      }
      let begin = end
      end += payload.byteCount
      let shape = payload.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(JSONText.string(name)):{\"dtype\":\"\(payload.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return header
  }

  private static func append(
    _ payload: Payload, path: String, to sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let (type, shape) = (payload.type, payload.shape)
    switch payload.numbers {
    case .float32(let tensor):
      try unsafe tensor.withPointer {
        try unsafe sink(UnsafeRawBufferPointer(UnsafeBufferPointer(start: $0, count: tensor.count)))
      }
    case .float16(let tensor):
      let halves = unsafe [UInt16](unsafeUninitializedCapacity: tensor.count) { buffer, count in
        unsafe tensor.withPointer { source in
          if let base = buffer.baseAddress { unsafe ck_float_to_half(source, base, tensor.count) }
        }
        count = tensor.count
      }
      try unsafe halves.withUnsafeBytes(sink)
    case .int64(let integers):
      guard integers.count == shape.reduce(1, *) else {
        throw FileError(
          .malformed, path: path, reason: "shape \(shape) over \(integers.count) integers")
      }
      try unsafe integers.withUnsafeBytes(sink)
    case .stream(let content):
      var count = 0
      try unsafe content { bytes in
        count += bytes.count
        try unsafe sink(bytes)
      }
      guard count == payload.byteCount else {
        throw FileError(
          .malformed, path: path, reason: "\(count) bytes for \(type.rawValue) of shape \(shape)")
      }
    }
  }
}
