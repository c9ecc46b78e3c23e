/// A JSON value together with its place, for reading a configuration with errors that name it.
package struct JSONNode: Sendable {
  /// The value itself.
  package let value: JSONValue
  /// The document's name.
  package let file: String
  /// The value's place, such as `.text_config.layers[2]`; empty for the whole document.
  package let place: String

  package init(_ value: JSONValue, file: String, place: String = "") {
    self.value = value
    self.file = file
    self.place = place
  }

  /// An error about this value.
  package func failure(
    _ reason: String, kind: FileError.Kind = .malformed
  ) -> FileError {
    FileError(
      kind, path: file, subject: place.isEmpty ? nil : FileError.printable(place), reason: reason)
  }

  private func mismatch(_ expected: String) -> FileError {
    failure("expected \(expected), got \(value.kindName)")
  }

  /// The member `key`, which is required.
  /// - Throws: ``FileError`` when this is not an object or has no such member.
  package func member(_ key: String) throws -> JSONNode {
    guard let value = try object()[key] else {
      throw failure("expected a key \(FileError.quoted(key)), got none")
    }
    return JSONNode(value, file: file, place: place + "." + key)
  }

  /// The member `key`; `nil` when it is absent or null.
  /// - Throws: ``FileError`` when this is not an object.
  package func optionalMember(_ key: String) throws -> JSONNode? {
    guard let value = try object()[key], value != .null else { return nil }
    return JSONNode(value, file: file, place: place + "." + key)
  }

  /// The members.
  /// - Throws: ``FileError`` when this is not an object.
  package func object() throws -> JSONObject {
    guard case .object(let object) = value else { throw mismatch("an object") }
    return object
  }

  /// The elements.
  /// - Throws: ``FileError`` when this is not an array.
  package func elements() throws -> [JSONNode] {
    guard case .array(let elements) = value else { throw mismatch("an array") }
    return elements.enumerated().map { position, element in
      JSONNode(element, file: file, place: place + "[\(position)]")
    }
  }

  /// The text.
  /// - Throws: ``FileError`` when this is not a string.
  package func string() throws -> String {
    guard case .string(let string) = value else { throw mismatch("a string") }
    return string
  }

  /// The whole number.
  /// - Throws: ``FileError`` when this is not an integer, or one beyond 64 bits.
  package func integer() throws -> Int {
    guard case .integer(let integer) = value else { throw mismatch("an integer") }
    return integer
  }

  /// The number, written with or without a fraction.
  /// - Throws: ``FileError`` when this is not a number, or not a finite one.
  package func double() throws -> Double {
    let number = try extendedDouble()
    guard number.isFinite else { throw mismatch("a finite number") }
    return number
  }

  /// The number, which may be infinite or NaN.
  /// - Throws: ``FileError`` when this is not a number.
  package func extendedDouble() throws -> Double {
    switch value {
    case .integer(let integer): return Double(integer)
    case .number(let number): return number
    default: throw mismatch("a number")
    }
  }

  /// The truth value.
  /// - Throws: ``FileError`` when this is neither true nor false.
  package func bool() throws -> Bool {
    guard case .bool(let bool) = value else { throw mismatch("true or false") }
    return bool
  }

  /// The elements as whole numbers.
  /// - Throws: ``FileError`` when this is not an array of integers.
  package func integers() throws -> [Int] { try elements().map { try $0.integer() } }

  /// The elements as texts.
  /// - Throws: ``FileError`` when this is not an array of strings.
  package func strings() throws -> [String] { try elements().map { try $0.string() } }
}
