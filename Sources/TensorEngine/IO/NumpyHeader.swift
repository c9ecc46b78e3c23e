// Unsafe: a mapped file lends its bytes by address; every place is compared with their end first.

/// The header of a `.npy` file, read and checked against the file's size.
struct NumpyHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The largest header, in bytes; NumPy's own limit.
  static let sizeLimit = 10_000
  /// The largest number of dimensions.
  static let rankLimit = 32

  let type: NumpyFile.ElementType
  let shape: [Int]
  /// Whether the first axis varies fastest.
  let isColumnMajor: Bool
  /// Where the data begin in the file.
  let dataOffset: Int

  /// The most bytes that stand before the data.
  static let most = 12 + sizeLimit

  /// Reads the header of the file whose bytes are `file`, or of which these are the first ``most``.
  /// - Parameter size: how many bytes the whole file has; `nil` where `file` is whole.
  init(of file: UnsafeRawBufferPointer, size: Int? = nil, path: String) throws {
    let range = try unsafe Self.range(in: file, path: path)
    var parser = unsafe LiteralParser(
      UnsafeRawBufferPointer(rebasing: file[range]), path: path, origin: range.lowerBound)
    let fields = try parser.fields()
    type = try Self.type(of: fields.description, path: path, offset: fields.descriptionOffset)
    shape = fields.shape
    isColumnMajor = fields.isColumnMajor
    dataOffset = range.upperBound
    try checkSize(size ?? file.count, path: path)
  }

  /// Where the header's dictionary stands.
  private static func range(in file: UnsafeRawBufferPointer, path: String) throws -> Range<Int> {
    func failure(_ reason: String, at offset: Int) -> FileError {
      FileError(.malformed, path: path, offset: offset, reason: reason)
    }
    guard file.count >= magic.count, unsafe file[..<magic.count].elementsEqual(magic) else {
      throw failure("expected an .npy file, which begins with \\x93NUMPY", at: 0)
    }
    guard file.count >= 10 else {
      throw failure("expected a version and a header's size, got the end", at: file.count)
    }
    let version = unsafe (file[6], file[7])
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw failure("expected version 1.0, 2.0 or 3.0, got \(version.0).\(version.1)", at: 6)
    }
    let start = version.0 == 1 ? 10 : 12
    guard file.count >= start else {
      throw failure("expected a header's size, got the end", at: file.count)
    }
    let size = (8..<start).reversed().reduce(0) { unsafe $0 << 8 | Int(file[$1]) }
    guard size <= sizeLimit else {
      throw failure("expected a header of at most \(sizeLimit) bytes, got \(size)", at: 8)
    }
    guard size <= file.count - start else {
      throw failure(
        "expected a header of at most \(file.count - start) bytes, which is all that follows, got"
          + " \(size)", at: 8)
    }
    return start..<start + size
  }

  private static func type(
    of description: String, path: String, offset: Int
  ) throws -> NumpyFile.ElementType {
    if let type = NumpyFile.ElementType(rawValue: description) { return type }
    let known = NumpyFile.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
    let reason =
      description.utf8.contains(UInt8(ascii: "O"))
      ? "Python objects are never read; save the array with a numeric dtype"
      : "expected a dtype of \(known), got \(FileError.quoted(description)); convert it with astype"
    throw FileError(.unsupported, path: path, offset: offset, subject: "descr", reason: reason)
  }

  /// The data must fill the file to its end.
  private func checkSize(_ fileSize: Int, path: String) throws {
    var size = type.size
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        throw FileError(
          .malformed, path: path, subject: "shape", reason: "\(shape) is larger than any file")
      }
      size = product
    }
    guard size == fileSize - dataOffset else {
      throw FileError(
        .malformed, path: path, offset: dataOffset,
        reason: "expected \(size) bytes of data for shape \(shape) of \(type.rawValue), got"
          + " \(fileSize - dataOffset)")
    }
  }
}

/// Reads the Python dictionary in an `.npy` header: exactly the three keys, each once.
@safe private struct LiteralParser {
  struct Fields {
    var description = ""
    var descriptionOffset = 0
    var isColumnMajor = false
    var shape: [Int] = []
  }

  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private let origin: Int
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer, path: String, origin: Int) {
    unsafe self.bytes = unsafe bytes
    self.path = path
    self.origin = origin
  }

  mutating func fields() throws -> Fields {
    var fields = Fields()
    var seen: Set<String> = []
    try expect("{")
    while try peek() != UInt8(ascii: "}") {
      let start = position
      let key = try string()
      guard seen.insert(key).inserted else {
        throw failure("duplicate key \(FileError.quoted(key))", at: start)
      }
      try expect(":")
      switch key {
      case "descr":
        _ = try peek()
        fields.descriptionOffset = origin + position
        fields.description = try description()
      case "fortran_order": fields.isColumnMajor = try boolean()
      case "shape": fields.shape = try tuple()
      default:
        throw failure(
          "expected only descr, fortran_order and shape, got \(FileError.quoted(key))", at: start)
      }
      if try peek() != UInt8(ascii: "}") { try expect(",") }
    }
    position += 1
    for key in ["descr", "fortran_order", "shape"] where !seen.contains(key) {
      throw failure("expected a key \(key), got none", at: 0)
    }
    skipSpace()
    guard unsafe position == bytes.count else { throw failure("expected the end of the header") }
    return fields
  }

  private func failure(_ reason: String, at place: Int? = nil) -> FileError {
    FileError(.malformed, path: path, offset: origin + (place ?? position), reason: reason)
  }

  private mutating func skipSpace() {
    while unsafe position < bytes.count, unsafe bytes[position] == 0x20 || bytes[position] == 0x0A {
      position += 1
    }
  }

  private mutating func peek() throws -> UInt8 {
    skipSpace()
    guard unsafe position < bytes.count else {
      throw failure("expected more of the header, got its end")
    }
    return unsafe bytes[position]
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard try peek() == UInt8(ascii: character) else {
      throw failure("expected '\(character)' in the header")
    }
    position += 1
  }

  /// A string of printable ASCII without escapes, in either kind of quotation marks.
  private mutating func string() throws -> String {
    let quote = try peek()
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw failure("expected a string")
    }
    position += 1
    let start = position
    while unsafe position < bytes.count, unsafe bytes[position] != quote {
      guard unsafe (0x20...0x7E).contains(bytes[position]),
        unsafe bytes[position] != UInt8(ascii: "\\")
      else {
        throw failure("expected a string of plain ASCII")
      }
      position += 1
    }
    guard unsafe position < bytes.count else {
      throw failure("expected the string's end", at: start)
    }
    defer { position += 1 }
    return unsafe String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func description() throws -> String {
    if try peek() == UInt8(ascii: "[") {
      throw FileError(
        .unsupported, path: path, offset: origin + position, subject: "descr",
        reason: "arrays of records are not read; save each field as an array of its own")
    }
    return try string()
  }

  private mutating func boolean() throws -> Bool {
    _ = try peek()
    for (word, value) in [("True", true), ("False", false)] {
      if unsafe bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
    }
    throw failure("expected True or False")
  }

  private mutating func tuple() throws -> [Int] {
    var extents: [Int] = []
    try expect("(")
    while try peek() != UInt8(ascii: ")") {
      guard extents.count < NumpyHeader.rankLimit else {
        throw failure("expected at most \(NumpyHeader.rankLimit) dimensions")
      }
      extents.append(try extent())
      if try peek() == UInt8(ascii: ")") {
        guard extents.count > 1 else { throw failure("expected ',' after a tuple's only number") }
      } else {
        try expect(",")
      }
    }
    position += 1
    return extents
  }

  private mutating func extent() throws -> Int {
    _ = try peek()
    let start = position
    while unsafe position < bytes.count,
      unsafe (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
    {
      position += 1
    }
    let digits = unsafe String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Int(digits), digits.utf8.count == 1 || digits.utf8.first != 0x30 else {
      throw failure("expected an extent from 0 to \(Int.max)", at: start)
    }
    return value
  }
}
