internal import Foundation
internal import TensorEngine

/// A JSON value, to compare what has no type in common, and to change a part of what others wrote.
indirect enum JSONTree: Codable, Equatable, CustomStringConvertible {
  case object([String: JSONTree])
  case array([JSONTree])
  /// `null`, or a value that is not there.
  case nothing
  case bool(Bool)
  case whole(UInt64)
  case number(Double)
  case text(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .nothing
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .whole(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONTree].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONTree].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .object(let fields): try container.encode(fields)
    case .array(let values): try container.encode(values)
    case .nothing: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .whole(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    }
  }

  /// Reads bytes of JSON.
  /// - Throws: `FileError` for bytes that are none, `DecodingError`.
  init(_ bytes: [UInt8]) throws {
    try StrictJSON.check(bytes)
    self = try JSONDecoder().decode(JSONTree.self, from: Data(bytes))
  }

  /// The value of a key of an object; `nil` if there is none.
  ///
  /// Writing to what is no object changes nothing.
  subscript(name: String) -> JSONTree? {
    get { if case .object(let fields) = self { fields[name] } else { nil } }
    set {
      guard case .object(var fields) = self else { return }
      fields[name] = newValue
      self = .object(fields)
    }
  }

  /// An object without a key.
  func without(_ name: String) -> JSONTree {
    guard case .object(let fields) = self else { return self }
    return .object(fields.filter { $0.key != name })
  }

  var description: String {
    switch self {
    case .object(let fields):
      fields.isEmpty ? "nothing" : "{" + fields.keys.sorted().joined(separator: ", ") + "}"
    case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .nothing: "nothing"
    case .bool(let value): "\(value)"
    case .whole(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    }
  }

  /// The first place, in the order of names, where two values differ, and what stands there in each.
  func difference(
    from other: JSONTree, at place: String
  ) -> (field: String, here: String, wanted: String)? {
    if self == other { return nil }
    func inner(_ name: String) -> String { place.isEmpty ? name : place + "." + name }
    switch (self, other) {
    case (.object(let here), .object(let there)):
      for name in Set(here.keys).union(there.keys).sorted() {
        let (left, right) = (here[name] ?? .nothing, there[name] ?? .nothing)
        if let found = left.difference(from: right, at: inner(name)) { return found }
      }
      return nil
    case (.array(let here), .array(let there)) where here.count == there.count:
      for (index, pair) in zip(here, there).enumerated() {
        if let found = pair.0.difference(from: pair.1, at: inner("\(index)")) { return found }
      }
      return nil
    default:
      return (place, description, other.description)
    }
  }
}
