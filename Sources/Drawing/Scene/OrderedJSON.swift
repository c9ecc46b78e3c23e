internal import TensorEngine

/// A value of JSON, printed on one line with its members in the order given: the same value has the same
/// text.
package enum OrderedJSON {
  case text(String)
  /// A number as it is printed.
  case number(String)
  case bool(Bool)
  case null
  case list([OrderedJSON])
  case object([Member])
  /// Text that is JSON already.
  case printed(String)

  /// A member of an object.
  package struct Member {
    package let key: String
    package let value: OrderedJSON

    package init(_ key: String, _ value: OrderedJSON) { (self.key, self.value) = (key, value) }
  }

  /// The value's text.
  package var string: String {
    switch self {
    case .text(let text): JSONText.string(text)
    case .number(let digits): digits
    case .bool(let value): value ? "true" : "false"
    case .null: "null"
    case .list(let values): JSONText.array(values.map(\.string))
    case .object(let members): JSONText.object(members.map { ($0.key, $0.value.string) })
    case .printed(let text): text
    }
  }

  /// A list of texts.
  package static func texts(_ texts: [String]) -> OrderedJSON { .list(texts.map(OrderedJSON.text)) }

  /// A whole number.
  package static func integer(_ value: some BinaryInteger) -> OrderedJSON { .number("\(value)") }

  /// A list of whole numbers.
  package static func integers(_ values: [some BinaryInteger]) -> OrderedJSON {
    .list(values.map { .integer($0) })
  }
}

extension OrderedJSON: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self = .text(text) }
}

extension OrderedJSON: ExpressibleByDictionaryLiteral {
  package typealias Key = String
  package typealias Value = OrderedJSON

  package init(dictionaryLiteral members: (String, OrderedJSON)...) {
    self = .object(members.map { Member($0.0, $0.1) })
  }
}
