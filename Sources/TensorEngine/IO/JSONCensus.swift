// Unsafe: whoever counts lends the bytes for the length of the call.

/// How many values a document in JSON has, counted before any of them takes memory.
///
/// Of a document that breaks the grammar the numbers mean nothing, but whoever reads it finds that out.
@safe struct JSONCensus {
  /// How many objects there are.
  private(set) var objects = 0
  /// How many values there are, keys not counted.
  private(set) var values = 1
  private var isString = false
  private var isEscaped = false
  /// The byte before, white space left out.
  private var last: UInt8 = 0

  /// Reads on.
  mutating func read(_ bytes: UnsafeRawBufferPointer) {
    for position in 0..<bytes.count {
      let byte = unsafe bytes[position]
      if isString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isString = false
        }
        continue
      }
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: continue
      case UInt8(ascii: "\""): isString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        objects += byte == UInt8(ascii: "{") ? 1 : 0
        values += 1
      case UInt8(ascii: ","): values += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if last == UInt8(ascii: "{") || last == UInt8(ascii: "[") { values -= 1 }
      default: break
      }
      last = byte
    }
  }
}
