private import Foundation

/// The commands and their options, read from what ArgumentParser tells of them.
package struct CommandCatalogue: Sendable {
  /// A command.
  package struct Command: Sendable {
    /// Its name.
    package let name: String
    /// Its options in the order of its help; arguments without names are not among them.
    package let options: [CommandOption]

    /// The option of a name, any of its names.
    func option(_ name: String) -> CommandOption? {
      options.first { $0.names.contains(name) }
    }
  }

  /// In the order of the help.
  package let commands: [Command]

  /// Reads the JSON that `--experimental-dump-help` prints.
  /// - Throws: `DecodingError`.
  package init(json: String) throws {
    let root = try JSONDecoder().decode(Dump.self, from: Data(json.utf8))
    commands = (root.command.subcommands ?? []).filter { $0.commandName != "help" }.map { command in
      Command(name: command.commandName, options: Self.options(command.arguments ?? []))
    }
  }

  /// The command of a name.
  package func command(_ name: String) -> Command? { commands.first { $0.name == name } }

  /// Commands that make runs again as they were made, so that no default may change them.
  package static let replays: Set = ["sweep", "causal"]

  /// Whether a key that names no command stands for a command's option: commands may mean different
  /// things by a name, and then it is what the first of them means.
  func isGeneral(_ option: CommandOption) -> Bool {
    let meanings = commands.filter { !Self.replays.contains($0.name) }
      .compactMap { $0.option(option.name)?.help }
    return meanings.first == option.help
  }

  private static func options(_ arguments: [Dump.Argument]) -> [CommandOption] {
    let flags = Set(arguments.filter { $0.kind == "flag" }.flatMap { $0.names ?? [] }.map(\.name))
    return arguments.compactMap { argument in
      guard let first = argument.preferredName?.name,
        !["help", "version"].contains(first),
        !(first.hasPrefix("no-") && flags.contains(String(first.dropFirst(3))))
      else { return nil }
      let others = (argument.names ?? []).map(\.name).filter { $0 != first }
      return CommandOption(
        names: [first] + others,
        form: argument.kind == "flag"
          ? .flag(canBeOff: flags.contains("no-" + first))
          : argument.isRepeating ? .repeated : .value,
        help: argument.abstract ?? "", standard: argument.defaultValue)
    }
  }

  /// What is read of the dump.
  private struct Dump: Decodable {
    struct Name: Decodable { let name: String }
    struct Argument: Decodable {
      let kind: String
      let names: [Name]?
      let preferredName: Name?
      let isRepeating: Bool
      let abstract: String?
      let defaultValue: String?
    }
    struct Command: Decodable {
      let commandName: String
      let arguments: [Argument]?
      let subcommands: [Command]?
    }
    let command: Command
  }
}
