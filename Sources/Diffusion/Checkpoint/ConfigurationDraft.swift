internal import TensorEngine

/// A part's configuration put together from what is known of a checkpoint without one.
///
/// Keys and values are those of diffusers' and transformers' `config.json`, so that it is read by
/// the same code as theirs.
struct ConfigurationDraft: Sendable {
  /// What the shapes of the tensors say: nothing may contradict it.
  private(set) var told: [(key: String, value: JSONValue)] = []
  /// What the family has where nobody says otherwise.
  private(set) var assumed: [(key: String, value: JSONValue)] = []

  mutating func tell(_ key: String, _ value: JSONValue) { told.append((key, value)) }
  mutating func assume(_ key: String, _ value: JSONValue) { assumed.append((key, value)) }

  /// The configuration, with what is said of it beside the weights.
  ///
  /// - Parameters:
  ///   - whole: a configuration of diffusers, whose absent keys mean diffusers' defaults; `nil`
  ///     where there is none.
  ///   - partial: what another kind of configuration says, heeded where there is no whole one.
  ///   - weights: the weights' path, which errors name.
  /// - Throws: `FileError` when a configuration contradicts the tensors.
  func node(whole: JSONNode?, partial: JSONNode?, weights: String) throws -> JSONNode {
    var index = NameIndex()
    var values: [JSONValue] = []
    let given = whole ?? partial
    if let given {
      let object = try given.object()
      let known = Set((told + (whole == nil ? assumed : [])).map(\.key))
      // A null says something by itself, as that there is no middle block.
      for (key, value) in object where value != .null || !known.contains(key) {
        let place = try given.member(key)
        if let fact = told.first(where: { $0.key == key })?.value, !Self.agree(fact, value) {
          throw place.failure(
            "expected \(fact.text), which is what the tensors of \(weights) say, got "
              + value.text)
        }
        if index.insert(key) { values.append(value) }
      }
    }
    for (key, value) in told + (whole == nil ? assumed : []) where index.insert(key) {
      values.append(value)
    }
    return JSONNode(
      .object(JSONObject(index: index, values: values)), file: given?.file ?? weights)
  }

  /// Whether two values say the same; a number stands for a list of it.
  private static func agree(_ first: JSONValue, _ second: JSONValue) -> Bool {
    switch (first, second) {
    case (.array(let list), .integer), (.array(let list), .number):
      list.allSatisfy { $0 == second }
    case (.integer, .array(let list)), (.number, .array(let list)):
      list.allSatisfy { $0 == first }
    default: first == second
    }
  }
}

extension JSONValue {
  /// A list of integers.
  static func integers(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .integer($0) }) }
  /// A list of texts.
  static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension JSONNode {
  /// The object with `key` set to `value`.
  /// - Throws: `FileError` when this is not an object.
  func setting(_ key: String, to value: JSONValue) throws -> JSONNode {
    var index = NameIndex()
    var values: [JSONValue] = []
    for (name, other) in try object() where name != key && index.insert(name) {
      values.append(other)
    }
    if index.insert(key) { values.append(value) }
    return JSONNode(
      .object(JSONObject(index: index, values: values)), file: file, place: place)
  }

  /// The value at a path of keys; `nil` where one of them is absent or null.
  /// - Throws: `FileError` when something on the way is not an object.
  func find(_ path: [String]) throws -> JSONNode? {
    var node = self
    for key in path {
      guard let member = try node.optionalMember(key) else { return nil }
      node = member
    }
    return node
  }
}
