private import Foundation
internal import TensorEngine

/// Defaults of options from the environment and from files, which act as if they were given before the
/// command's own arguments.
///
/// What is given comes first, then the environment (`HEED_STEPS` for `--steps`), then the folder's
/// `heed.yaml`, then the user's.
package struct OptionDefaults: Sendable {
  /// An option's value, and where it is from.
  package struct Value: Sendable {
    /// The option's name.
    package let option: String
    /// What gives it, as on the command line.
    package let arguments: [String]
    /// A variable's or a file's name; `nil` for what is built in.
    package let origin: String?

    /// The value as it is shown.
    package var text: String {
      arguments.map { argument in
        argument == "--" + option
          ? (arguments.count == 1 ? "true" : "")
          : argument == "--no-" + option
            ? "false" : String(argument.dropFirst(option.count + 3))
      }.filter { !$0.isEmpty }.joined(separator: ", ")
    }
  }

  private let catalogue: CommandCatalogue
  private let environment: [String: String]
  private let files: [DefaultsFile]

  /// - Parameters:
  ///   - environment: variables of the process.
  ///   - files: the folder's file before the user's.
  package init(
    _ catalogue: CommandCatalogue, environment: [String: String], files: [DefaultsFile]
  ) {
    (self.catalogue, self.environment, self.files) = (catalogue, environment, files)
  }

  /// The names of the folder's file and the user's, and their paths.
  package static func places(
    _ environment: [String: String]
  ) -> [(name: String, path: String)] {
    let file = "heed.yaml"
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      return [(file, file), ("\(folder)/heed/\(file)", "\(folder)/heed/\(file)")]
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return [(file, file)] }
    return [(file, file), ("~/.config/heed/\(file)", "\(home)/.config/heed/\(file)")]
  }

  /// The values for a command that something sets, in the order of its options.
  /// - Parameter arguments: of the command; what they give is left out.
  /// - Throws: `FileError` for a variable of a flag that is neither true nor false.
  package func values(for command: String, given arguments: [String]) throws -> [Value] {
    guard !CommandCatalogue.replays.contains(command), let found = catalogue.command(command) else {
      return []
    }
    return try found.options.compactMap { option in
      guard !option.isGiven(in: arguments) else { return nil }
      let variable = "HEED_" + option.name.uppercased().replacing("-", with: "_")
      if catalogue.isGeneral(option), let text = environment[variable], !text.isEmpty {
        return Value(
          option: option.name, arguments: try Self.arguments(option, text, from: variable),
          origin: variable)
      }
      for file in files {
        guard let node = file.value(of: option, command, in: catalogue) else { continue }
        return Value(
          option: option.name, arguments: try option.arguments(node), origin: file.name)
      }
      return nil
    }
  }

  /// Every option of a command with its value, those that are built in too.
  /// - Throws: as ``values(for:given:)``.
  package func all(for command: String) throws -> [Value] {
    let values = try values(for: command, given: [])
    return catalogue.command(command)?.options.map { option in
      values.first { $0.option == option.name }
        ?? Value(
          option: option.name,
          arguments: option.standard.map { ["--\(option.name)=\($0)"] } ?? [], origin: nil)
    } ?? []
  }

  private static func arguments(
    _ option: CommandOption, _ text: String, from variable: String
  ) throws -> [String] {
    guard case .flag = option.form else {
      return try option.arguments(JSONNode(.string(text), file: variable))
    }
    guard ["true", "false", "1", "0"].contains(text) else {
      throw FileError(
        .malformed, path: variable,
        reason: "expected true or false, got \(FileError.quoted(text))")
    }
    return try option.arguments(JSONNode(.bool(text == "true" || text == "1"), file: variable))
  }
}
