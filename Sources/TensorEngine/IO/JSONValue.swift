/// A JSON value of a document: numbers without a fraction stay exact, members keep
/// their order.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number written without fraction or exponent that fits 64 bits.
  case integer(Int)
  /// Any other number, rounded to the nearest double.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The value as it is written, for a message; an object without its members.
  package var text: String {
    switch self {
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .bool(let bool): "\(bool)"
    case .string(let string): string
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .null, .object: kindName
    }
  }

  /// What the value is, for a message.
  package var kindName: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .string(let value): "the string \(FileError.quoted(value))"
    case .array(let elements): "an array of \(elements.count)"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object, in the document's order, found by key.
package struct JSONObject: Equatable, Sendable, Sequence {
  private let index: NameIndex
  /// The values, in the order of ``keys``.
  package let values: [JSONValue]

  package init(index: NameIndex, values: [JSONValue]) {
    guard index.names.count == values.count else {
      bug("\(values.count) values of \(index.names.count) keys")
    }
    self.index = index
    self.values = values
  }

  /// The keys, in the document's order.
  package var keys: [String] { index.names }

  /// The number of members.
  package var count: Int { values.count }

  /// The value of `key`; keys are compared by their bytes.
  package subscript(_ key: String) -> JSONValue? {
    index.position(of: key).map { values[$0] }
  }

  package func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator {
    zip(keys, values).makeIterator()
  }

  package static func == (first: JSONObject, second: JSONObject) -> Bool {
    first.keys == second.keys && first.values == second.values
  }
}
