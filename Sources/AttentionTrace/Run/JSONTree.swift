internal import Foundation

/// A JSON value, to compare what has no type in common.
indirect enum JSONTree: Decodable, Equatable, CustomStringConvertible {
  case object([String: JSONTree])
  case array([JSONTree])
  /// Anything else, as it is written.
  case leaf(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .leaf("nothing")
    } else if let value = try? container.decode(Bool.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(UInt64.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(Double.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(String.self) {
      self = .leaf("\"\(value)\"")
    } else if let value = try? container.decode([JSONTree].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONTree].self))
    }
  }

  /// Reads bytes of JSON.
  init(_ bytes: [UInt8]) throws {
    self = try JSONDecoder().decode(JSONTree.self, from: Data(bytes))
  }

  /// The value of a key of an object; `nil` if there is none.
  subscript(name: String) -> JSONTree? {
    if case .object(let fields) = self { fields[name] } else { nil }
  }

  /// An object without a key.
  func without(_ name: String) -> JSONTree {
    guard case .object(let fields) = self else { return self }
    return .object(fields.filter { $0.key != name })
  }

  var description: String {
    switch self {
    case .object(let fields): fields.isEmpty ? "nothing" : "\(fields.count) fields"
    case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .leaf(let text): text
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
        let (left, right) = (here[name] ?? .leaf("nothing"), there[name] ?? .leaf("nothing"))
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
