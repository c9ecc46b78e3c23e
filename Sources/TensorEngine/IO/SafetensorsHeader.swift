// Unsafe: a mapped file lends its bytes by address; every place is compared with their end first.

/// The header of a safetensors file, read and checked against the file's size.
struct SafetensorsHeader {
  /// The largest number of dimensions.
  static let rankLimit = 8
  /// The longest name, in bytes.
  static let nameLimit = 1024
  /// The size of the number that says how long the header is, in bytes.
  static let prefixSize = 8

  private static let metadataKey = "__metadata__"

  private(set) var index = NameIndex()
  private(set) var entries: [SafetensorsFile.Entry] = []
  private(set) var metadata: [(key: String, value: String)] = []

  /// The least bytes that a tensor takes in a header: a name, a type, no extent, and two places.
  private static let leastEntry = 48
  /// So many bytes are looked at before their memory is given back.
  private static let piece = 8 << 20

  /// Reads the header of a file.
  init(of file: MappedFile) throws {
    try Self.checkCount(of: file)
    self = try unsafe file.withBytes { try unsafe SafetensorsHeader(of: $0, path: file.path) }
  }

  /// Refuses a header of more tensors than are read before any of them takes memory.
  private static func checkCount(of file: MappedFile) throws {
    let size = try unsafe file.withBytes { try unsafe headerSize(of: $0, path: file.path) }
    let limit = FileLimit.tensors.value
    guard size / leastEntry > limit else { return }
    var census = JSONCensus()
    for first in stride(from: prefixSize, to: prefixSize + size, by: piece) {
      let range = first..<min(first + piece, prefixSize + size)
      unsafe file.withBytes { bytes in
        unsafe census.read(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
      file.release(range)
    }
    // An object for each tensor, beside the header itself and the file's own notes.
    guard census.objects - 2 <= limit else {
      throw FileError(.malformed, path: file.path, offset: prefixSize, reason: tooMany(limit))
    }
  }

  private static func tooMany(_ limit: Int) -> String {
    "expected at most \(limit) tensors, got more" + FileLimit.tensors.advice
  }

  /// Reads the header of the file whose bytes are `file`.
  private init(of file: UnsafeRawBufferPointer, path: String) throws {
    let size = try unsafe Self.headerSize(of: file, path: path)
    let payload = Self.prefixSize + size
    let json = unsafe UnsafeRawBufferPointer(rebasing: file[Self.prefixSize..<payload])
    var scanner = unsafe JSONScanner(json, file: path, origin: Self.prefixSize)
    guard unsafe json.first == UInt8(ascii: "{") else {
      throw scanner.failure("expected the header to begin with '{'")
    }
    try scanner.members { scanner, key, offset in
      if key == Self.metadataKey {
        try readMetadata(&scanner)
      } else {
        try readEntry(&scanner, name: key, offset: offset, fileSize: file.count, payload: payload)
      }
    }
    try unsafe Self.checkPadding(json, after: scanner)
    try checkLayout(payload: payload, fileSize: file.count, path: path)
  }

  private static func headerSize(of file: UnsafeRawBufferPointer, path: String) throws -> Int {
    func failure(_ reason: String) -> FileError {
      FileError(.malformed, path: path, offset: 0, reason: reason)
    }
    guard file.count >= prefixSize else {
      throw failure("expected at least 8 bytes for the header's size, got \(file.count)")
    }
    let size = unsafe UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    let limit = FileLimit.header.value
    guard size <= limit else {
      throw failure(
        "expected a header of at most \(limit) bytes, got \(size)" + FileLimit.header.advice)
    }
    guard size <= file.count - prefixSize else {
      throw failure(
        "expected a header of at most \(file.count - prefixSize) bytes, which is all that follows,"
          + " got \(size): the file is not whole, as after a download that broke off; fetch it again"
      )
    }
    guard size > 0 else { throw failure("the header is empty") }
    return Int(size)
  }

  /// Only spaces may follow the header's object.
  private static func checkPadding(
    _ json: UnsafeRawBufferPointer, after scanner: JSONScanner
  ) throws {
    for position in (scanner.offset - prefixSize)..<json.count where unsafe json[position] != 0x20 {
      throw scanner.failure(
        unsafe "expected only spaces after the header, got byte 0x\(String(json[position], radix: 16))",
        at: prefixSize + position)
    }
  }

  // MARK: Entries

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws {
    try Self.about(Self.metadataKey) {
      try scanner.members { scanner, key, _ in
        metadata.append((key, try scanner.string()))
      }
    }
  }

  private mutating func readEntry(
    _ scanner: inout JSONScanner, name: String, offset: Int, fileSize: Int, payload: Int
  ) throws {
    let limit = FileLimit.tensors.value
    guard entries.count < limit else {
      throw scanner.failure(Self.tooMany(limit), at: offset)
    }
    guard (1...Self.nameLimit).contains(name.utf8.count) else {
      throw scanner.failure(
        "expected a name of 1 to \(Self.nameLimit) bytes, got \(name.utf8.count)", at: offset,
        subject: "tensor \(FileError.quoted(name))")
    }
    try Self.about("tensor \(FileError.quoted(name))") {
      let fields = try EntryFields(&scanner, offset: offset)
      let available = fileSize - payload
      guard fields.offsets.upperBound <= available else {
        throw scanner.failure(
          "expected its data within the \(available) bytes after the header, got"
            + " \(fields.offsets.lowerBound)..<\(fields.offsets.upperBound): the file is not whole, as"
            + " after a download that broke off; fetch it again", at: offset)
      }
      guard let size = fields.type.byteCount(of: fields.shape) else {
        throw scanner.failure(
          "\(fields.type.rawValue) of shape \(fields.shape) has no size in whole bytes", at: offset)
      }
      guard size == fields.offsets.count else {
        throw scanner.failure(
          "expected \(size) bytes for \(fields.type.rawValue) of shape \(fields.shape), got"
            + " \(fields.offsets.count)", at: offset)
      }
      let range = (payload + fields.offsets.lowerBound)..<(payload + fields.offsets.upperBound)
      entries.append(
        .init(
          name: name, type: fields.type, shape: fields.shape, range: range, headerOffset: offset))
      _ = index.insert(name)
    }
  }

  /// Runs `body` and names `subject` in the error it throws.
  private static func about(_ subject: @autoclosure () -> String, _ body: () throws -> Void) throws
  {
    do {
      try body()
    } catch let error as FileError {
      throw FileError(
        error.kind, path: error.path, offset: error.offset, subject: subject(), reason: error.reason
      )
    }
  }

  // MARK: Layout

  /// The tensors must cover the file from the end of the header to its own end, each byte once.
  private func checkLayout(payload: Int, fileSize: Int, path: String) throws {
    var end = payload
    var last: SafetensorsFile.Entry?
    let sorted = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for entry in sorted {
      let begin = entry.range.lowerBound
      if begin != end {
        let reason =
          begin > end
          ? "\(begin - end) bytes before its data belong to no tensor"
          : "its data overlap those of tensor \(FileError.quoted(last?.name ?? "")) by"
            + " \(end - begin) bytes"
        throw FileError(
          .malformed, path: path, offset: entry.headerOffset,
          subject: "tensor \(FileError.quoted(entry.name))", reason: reason)
      }
      end = entry.range.upperBound
      last = entry
    }
    guard end == fileSize else {
      throw FileError(
        .malformed, path: path, offset: end,
        reason: "\(fileSize - end) bytes at the end belong to no tensor")
    }
  }
}

/// The fields of one tensor in the header.
private struct EntryFields {
  let type: SafetensorsType
  let shape: [Int]
  let offsets: Range<Int>

  init(_ scanner: inout JSONScanner, offset: Int) throws {
    var type: SafetensorsType?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.members { scanner, key, offset in
      switch key {
      case "dtype": type = try Self.type(&scanner)
      case "shape": shape = try Self.integers(&scanner, limit: SafetensorsHeader.rankLimit)
      case "data_offsets": offsets = try Self.integers(&scanner, limit: 2)
      default:
        throw scanner.failure(
          "expected only dtype, shape and data_offsets, got \(FileError.quoted(key))", at: offset)
      }
    }
    guard let type, let shape, let offsets else {
      let missing = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw scanner.failure("expected a field \(missing), got none", at: offset)
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw scanner.failure(
        "expected data_offsets to be a begin and an end no less, got \(offsets)", at: offset)
    }
    self.type = type
    self.shape = shape
    self.offsets = offsets[0]..<offsets[1]
  }

  private static func type(_ scanner: inout JSONScanner) throws -> SafetensorsType {
    let name = try scanner.string()
    if let type = SafetensorsType(rawValue: name) { return type }
    let known = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
    throw scanner.failure("expected a dtype of \(known), got \(FileError.quoted(name))")
  }

  /// Reads at most `limit` integers, none below zero.
  private static func integers(_ scanner: inout JSONScanner, limit: Int) throws -> [Int] {
    var integers: [Int] = []
    try scanner.elements { scanner in
      guard integers.count < limit else {
        throw scanner.failure("expected at most \(limit) numbers, got more")
      }
      let offset = scanner.offset
      let value = try scanner.number()
      guard case .integer(let integer) = value, integer >= 0 else {
        throw scanner.failure(
          "expected an integer from 0 to \(Int.max), got \(value.kindName)", at: offset)
      }
      integers.append(integer)
    }
    return integers
  }
}
