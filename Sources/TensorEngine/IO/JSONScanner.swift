// Unsafe: whoever makes a scanner lends it bytes by address while it reads; every place is
// compared with their end first.

/// Reads JSON (RFC 8259) from bytes, one value at a time, and refuses everything the grammar does
/// not allow, and duplicate keys.
///
/// `NaN`, `Infinity` and `-Infinity` are read too, which the grammar lacks and Python's `json` writes.
///
/// Offsets in errors are counted from the start of the file: `origin` is where the bytes begin.
@safe package struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  private let origin: Int
  private let depthLimit: Int
  private var depth = 0
  /// The next byte to read, from the start of the bytes.
  private var position = 0

  package init(
    _ bytes: UnsafeRawBufferPointer, file: String, origin: Int = 0, depthLimit: Int = 32
  ) {
    unsafe self.bytes = unsafe bytes.bindMemory(to: UInt8.self)
    self.file = file
    self.origin = origin
    self.depthLimit = depthLimit
  }

  /// The next byte to read, from the start of the file.
  package var offset: Int { origin + position }

  /// An error at `offset` of the file, or at the scanner's position.
  package func failure(
    _ reason: String, at offset: Int? = nil, subject: String? = nil
  ) -> FileError {
    FileError(
      .malformed, path: file, offset: offset ?? self.offset, subject: subject, reason: reason)
  }

  // MARK: Values

  /// Reads any value.
  package mutating func value() throws -> JSONValue {
    switch try peek(expecting: "a value") {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try self.elements { scanner in elements.append(try scanner.value()) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-") where isNegativeInfinity:
      return try literal("-Infinity", .number(-.infinity))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "I"): return try literal("Infinity", .number(.infinity))
    case UInt8(ascii: "N"): return try literal("NaN", .number(.nan))
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: throw unexpected("a value")
    }
  }

  /// Whether the minus sign at the position is one of `-Infinity`.
  private var isNegativeInfinity: Bool {
    let next = position + 1
    return unsafe next < bytes.count && bytes[next] == UInt8(ascii: "I")
  }

  private mutating func object() throws -> JSONObject {
    var values: [JSONValue] = []
    let index = try members { scanner, _, _ in values.append(try scanner.value()) }
    return JSONObject(index: index, values: values)
  }

  /// Reads an object; `body` reads each member's value, given its key and the key's offset.
  @discardableResult
  package mutating func members(
    _ body: (inout JSONScanner, String, Int) throws -> Void
  ) throws -> NameIndex {
    var index = NameIndex()
    try enter(UInt8(ascii: "{"), "an object")
    if try peek(expecting: "a key or '}'") == UInt8(ascii: "}") {
      leave()
      return index
    }
    while true {
      guard try peek(expecting: "a key") == UInt8(ascii: "\"") else { throw unexpected("a key") }
      let start = offset
      let key = try string()
      guard index.insert(key) else {
        throw failure("duplicate key \(FileError.quoted(key))", at: start)
      }
      guard try peek(expecting: "':'") == UInt8(ascii: ":") else { throw unexpected("':'") }
      position += 1
      try body(&self, key, start)
      if try !another(before: UInt8(ascii: "}")) { return index }
    }
  }

  /// Reads an array; `body` reads each element.
  package mutating func elements(_ body: (inout JSONScanner) throws -> Void) throws {
    try enter(UInt8(ascii: "["), "an array")
    if try peek(expecting: "a value or ']'") == UInt8(ascii: "]") {
      leave()
      return
    }
    repeat { try body(&self) } while try another(before: UInt8(ascii: "]"))
  }

  /// Refuses anything but white space up to the end.
  package mutating func end() throws {
    skipSpace()
    if unsafe position < bytes.count { throw unexpected("the end of the document") }
  }

  // MARK: Structure

  private mutating func enter(_ bracket: UInt8, _ expected: String) throws {
    guard try peek(expecting: expected) == bracket else { throw unexpected(expected) }
    guard depth < depthLimit else { throw failure("nested deeper than \(depthLimit) levels") }
    depth += 1
    position += 1
  }

  private mutating func leave() {
    depth -= 1
    position += 1
  }

  /// Reads the comma before another element, or the `bracket` that ends the container.
  private mutating func another(before bracket: UInt8) throws -> Bool {
    func expected() -> String { "',' or '\(Character(Unicode.Scalar(bracket)))'" }
    let byte = try peek(expecting: expected())
    if byte == bracket {
      leave()
      return false
    }
    guard byte == UInt8(ascii: ",") else { throw unexpected(expected()) }
    position += 1
    return true
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    let expected = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard unsafe end <= bytes.count, unsafe bytes[position..<end].elementsEqual(expected) else {
      throw unexpected("a value")
    }
    position = end
    return value
  }

  private mutating func skipSpace() {
    while unsafe position < bytes.count {
      switch unsafe bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func peek(expecting expected: @autoclosure () -> String) throws -> UInt8 {
    skipSpace()
    guard unsafe position < bytes.count else {
      throw failure("expected \(expected()), got the end of the document")
    }
    return unsafe bytes[position]
  }

  private func unexpected(_ expected: String) -> FileError {
    let byte = unsafe bytes[position]
    let shown =
      (0x21...0x7E).contains(byte)
      ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    return failure("expected \(expected), got \(shown)")
  }

  // MARK: Numbers

  /// Reads a number.
  package mutating func number() throws -> JSONValue {
    _ = try peek(expecting: "a number")
    let start = position
    if unsafe bytes[position] == UInt8(ascii: "-") { position += 1 }
    let first = position
    try digits()
    if unsafe bytes[first] == UInt8(ascii: "0"), position > first + 1 {
      throw failure("a number with a leading zero", at: origin + start)
    }
    var isInteger = true
    if unsafe position < bytes.count, unsafe bytes[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try digits()
    }
    if unsafe position < bytes.count, unsafe bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if unsafe position < bytes.count,
        unsafe bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      try digits()
    }
    return try number(in: start..<position, isInteger: isInteger)
  }

  private func number(in range: Range<Int>, isInteger: Bool) throws -> JSONValue {
    if isInteger, let value = integer(in: range) { return .integer(value) }
    let text = unsafe String(decoding: bytes[range], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      throw failure(
        "the number \(FileError.quoted(text)) is beyond a double", at: origin + range.lowerBound)
    }
    return .number(value)
  }

  /// The integer written in `range`, unless it does not fit.
  private func integer(in range: Range<Int>) -> Int? {
    let isNegative = unsafe bytes[range.lowerBound] == UInt8(ascii: "-")
    var value = 0
    for place in range.dropFirst(isNegative ? 1 : 0) {
      let byte = unsafe bytes[place]
      let digit = Int(byte &- UInt8(ascii: "0"))
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) =
        isNegative
        ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  private mutating func digits() throws {
    let start = position
    while unsafe position < bytes.count,
      unsafe (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
    {
      position += 1
    }
    if position == start {
      throw unsafe position < bytes.count
        ? unexpected("a digit") : failure("expected a digit, got the end of the document")
    }
  }

  // MARK: Strings

  /// Reads a string.
  package mutating func string() throws -> String {
    guard try peek(expecting: "a string") == UInt8(ascii: "\"") else {
      throw unexpected("a string")
    }
    let opening = offset
    position += 1
    let start = position
    var union: UInt8 = 0
    while unsafe position < bytes.count {
      switch unsafe bytes[position] {
      case UInt8(ascii: "\""):
        let content = unsafe UnsafeBufferPointer(rebasing: bytes[start..<position])
        // ASCII needs no validation, and most strings are ASCII.
        let text =
          unsafe union < 0x80
          ? String(decoding: content, as: UTF8.self) : try decode(content, at: start)
        position += 1
        return text
      case UInt8(ascii: "\\"):
        return try stringWithEscapes(from: start, opening: opening)
      case 0..<0x20:
        throw controlCharacter()
      default:
        unsafe union |= bytes[position]
        position += 1
      }
    }
    throw failure("expected the string's closing '\"', got the end of the document", at: opening)
  }

  /// Goes on with the string that begins at `start` from its first escape.
  private mutating func stringWithEscapes(from start: Int, opening: Int) throws -> String {
    var buffer: [UInt8] = []
    var plain = start
    while unsafe position < bytes.count {
      switch unsafe bytes[position] {
      case UInt8(ascii: "\""):
        unsafe buffer += bytes[plain..<position]
        let text = try unsafe buffer.withUnsafeBufferPointer { try unsafe decode($0, at: start) }
        position += 1
        return text
      case UInt8(ascii: "\\"):
        unsafe buffer += bytes[plain..<position]
        try escape(into: &buffer)
        plain = position
      case 0..<0x20:
        throw controlCharacter()
      default:
        position += 1
      }
    }
    throw failure("expected the string's closing '\"', got the end of the document", at: opening)
  }

  private func controlCharacter() -> FileError {
    failure(unsafe "a control character 0x\(String(bytes[position], radix: 16)) in a string")
  }

  /// The text that `content` encodes; `start` is where the string begins in the document.
  private func decode(_ content: UnsafeBufferPointer<UInt8>, at start: Int) throws -> String {
    if let text = unsafe String(validating: content, as: UTF8.self) { return text }
    // The escapes are valid, so the fault is in the document's own bytes.
    let place = unsafe Self.firstInvalidByte(of: bytes, from: start)
    throw failure("a string that is not UTF-8", at: origin + place)
  }

  /// The offset of the first byte from `start` on that is not part of valid UTF-8.
  private static func firstInvalidByte(of bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int
  {
    var position = start
    while position < bytes.count {
      let length = unsafe bytes[position] < 0x80 ? 1 : 2
      let longest = min(4, bytes.count - position)
      let valid = (length...max(length, longest)).first { count in
        unsafe count <= longest
          && String(validating: bytes[position..<position + count], as: UTF8.self)?
            .unicodeScalars.count == 1
      }
      guard let valid else { return position }
      position += valid
    }
    return position
  }

  private mutating func escape(into buffer: inout [UInt8]) throws {
    let start = offset
    position += 1
    guard unsafe position < bytes.count else { throw failure("expected an escape, got the end") }
    let byte = unsafe bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"): buffer += UTF8.encode(try scalar(at: start)) ?? .init()
    default: throw failure("an unknown escape in a string", at: start)
    }
  }

  /// The character of the `\u` escape that begins at `start`, with its second half if it has one.
  private mutating func scalar(at start: Int) throws -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, unsafe position + 1 < bytes.count,
      unsafe bytes[position] == UInt8(ascii: "\\"),
      unsafe bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure("a lone surrogate in a string", at: start) }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("a lone surrogate in a string", at: start) }
    return scalar
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard unsafe position < bytes.count, let digit = unsafe Self.hexadecimalDigit(bytes[position])
      else {
        throw failure("expected four hexadecimal digits after \\u")
      }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
