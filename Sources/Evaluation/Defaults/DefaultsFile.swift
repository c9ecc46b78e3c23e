internal import TensorEngine
internal import YAML

/// `heed.yaml`: defaults of options, for all commands or for one.
///
/// A key is an option's long name, or a command's with a mapping of its own options.
package struct DefaultsFile: Sendable {
  /// How the file is named where its values are shown.
  package let name: String
  /// By command, and `""` for all, the options' values by name.
  private var values: [String: [String: JSONNode]] = [:]

  /// Reads the file at `path`.
  /// - Parameter name: how messages name it.
  /// - Throws: `FileError` with the key that no command knows, and what it may have been meant to be.
  package init(path: String, name: String, for catalogue: CommandCatalogue) throws {
    self.name = name
    let root = try YAMLDocument.read(path: path)
    for key in try root.object().keys {
      let node = try root.member(key)
      guard case .object(let section) = node.value else {
        try add(key, node, of: nil, in: catalogue, at: root)
        continue
      }
      if CommandCatalogue.replays.contains(key) {
        throw root.failure(
          "heed \(key) reads no defaults, because it makes runs like those that are there")
      }
      guard catalogue.command(key) != nil else {
        throw root.failure(
          Self.unknown(key, "command", among: catalogue.commands.map(\.name)))
      }
      for option in section.keys {
        try add(option, try node.member(option), of: key, in: catalogue, at: node)
      }
    }
  }

  private mutating func add(
    _ key: String, _ node: JSONNode, of command: String?, in catalogue: CommandCatalogue,
    at place: JSONNode
  ) throws {
    let commands = command.map { [$0] } ?? catalogue.commands.map(\.name)
    let options = commands.filter { !CommandCatalogue.replays.contains($0) }
      .compactMap { catalogue.command($0) }.flatMap(\.options)
    guard let option = options.first(where: { $0.names.contains(key) && key.count > 1 }) else {
      let names = options.flatMap(\.names).filter { $0.count > 1 }
      throw place.failure(
        Self.unknown(key, command.map { "option of heed \($0)" } ?? "option", among: names))
    }
    _ = try option.arguments(node)
    values[command ?? "", default: [:]][option.name] = node
  }

  private static func unknown(_ key: String, _ what: String, among names: [String]) -> String {
    "\(FileError.quoted(key)) is no \(what)\(Suggestion.question(key, among: names))"
  }

  /// The value of a command's option; what is said of the command comes before what is said of all.
  func value(
    of option: CommandOption, _ command: String, in catalogue: CommandCatalogue
  ) -> JSONNode? {
    if let own = values[command]?[option.name] { return own }
    return catalogue.isGeneral(option) ? values[""]?[option.name] : nil
  }
}
