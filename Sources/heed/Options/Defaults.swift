import ArgumentParser
internal import Drawing
import Evaluation
import Figures
import Foundation

/// Defaults of options, found in the environment and in `heed.yaml` of the folder and of the user.
enum Defaults {
  /// Where files are looked for, the first before the second.
  static var places: [(name: String, path: String)] {
    OptionDefaults.places(ProcessInfo.processInfo.environment)
  }

  /// Reads what there is.
  /// - Throws: `FileError` for a key that no command knows.
  static func read() throws -> OptionDefaults {
    let catalogue = try CommandCatalogue(json: Heed._dumpHelp())
    let there = places.filter { FileManager.default.fileExists(atPath: $0.path) }
    return OptionDefaults(
      catalogue, environment: ProcessInfo.processInfo.environment,
      files: try there.map { try DefaultsFile(path: $0.path, name: $0.name, for: catalogue) })
  }

  /// The arguments with the defaults of the command after its name; says which they are.
  static func added(to arguments: [String]) throws -> [String] {
    let own = Array(arguments.dropFirst())
    guard let command = arguments.first, Heed.commandNames.contains(command),
      command != Config._commandName, isAnything,
      !own.contains(where: ["--help", "-h", "--help-hidden", "--version"].contains)
    else { return arguments }
    let values = try read().values(for: command, given: own)
    let used = values.filter { !isOfSheetFile($0.option, command, own, values) }
    guard !used.isEmpty else { return arguments }
    Message.note(
      "defaults: "
        + used.map { "\($0.arguments.joined(separator: " ")) (\($0.origin ?? ""))" }
        .joined(separator: ", "))
    return [command] + used.flatMap(\.arguments) + own
  }

  /// Whether there may be defaults at all.
  private static var isAnything: Bool {
    let variables = ProcessInfo.processInfo.environment.keys
    return variables.contains { $0.hasPrefix("HEED_") && !Arguments.processVariables.contains($0) }
      || places.contains { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Whether a layout file says what the option would say: the file's own values stay.
  private static func isOfSheetFile(
    _ option: String, _ command: String, _ arguments: [String], _ values: [OptionDefaults.Value]
  ) -> Bool {
    let layouts = arguments + values.filter { $0.option == "layout" }.flatMap(\.arguments)
    return command == Sheet._commandName && SheetOption(rawValue: option) != nil
      && layouts.contains { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
  }
}
