internal import TensorEngine

/// An option of a command as its parser describes it.
package struct CommandOption: Sendable {
  /// How its value is given.
  enum Form: Sendable {
    /// By its name alone; by `--no-NAME` where it can be turned off.
    case flag(canBeOff: Bool)
    case value
    /// A value each time it is given.
    case repeated
  }

  /// Its names without dashes, the one that help shows first.
  package let names: [String]
  let form: Form
  /// What help says of it.
  let help: String
  /// What it is if it is not given; `nil` where help says it in words or it is nothing.
  package let standard: String?

  /// The name that help shows.
  package var name: String { names[0] }

  /// Whether arguments give it.
  func isGiven(in arguments: [String]) -> Bool {
    let forms = names.map { ($0.count == 1 ? "-" : "--") + $0 } + ["--no-" + name]
    return arguments.prefix { $0 != "--" }.contains { argument in
      forms.contains { argument == $0 || argument.hasPrefix($0 + "=") }
        || names.contains {
          $0.count == 1 && argument.hasPrefix("-" + $0) && !argument.hasPrefix("--")
        }
    }
  }

  /// The arguments that give it a value of a file.
  /// - Throws: `FileError` for a value of the wrong kind.
  func arguments(_ node: JSONNode) throws -> [String] {
    switch form {
    case .flag(let canBeOff):
      if try node.bool() { return ["--" + name] }
      return canBeOff ? ["--no-" + name] : []
    case .value:
      if case .array = node.value {
        return Self.arguments(name, try node.elements().map(Self.text).joined(separator: ","))
      }
      return Self.arguments(name, try Self.text(node))
    case .repeated:
      guard case .array = node.value else { return Self.arguments(name, try Self.text(node)) }
      return try node.elements().flatMap { Self.arguments(name, try Self.text($0)) }
    }
  }

  /// An empty value must stand apart, and any other may begin with a dash.
  private static func arguments(_ name: String, _ value: String) -> [String] {
    value.isEmpty ? ["--" + name, ""] : ["--\(name)=\(value)"]
  }

  private static func text(_ node: JSONNode) throws -> String {
    switch node.value {
    case .string(let text):
      // As on the command line, which no text with a zero byte reaches.
      guard !text.utf8.contains(0) else {
        throw node.failure("expected a text without a zero byte")
      }
      if let excess = FileLimit.excess(ofPrompt: text) { throw node.failure(excess) }
      return text
    case .integer(let number): return String(number)
    case .number(let number): return String(number)
    case .bool(let isTrue): return String(isTrue)
    case .null, .array, .object: throw node.failure("expected a text or a number")
    }
  }
}
