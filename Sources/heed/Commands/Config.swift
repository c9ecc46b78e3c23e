import ArgumentParser
import AttentionAnalysis
import Evaluation

/// The defaults of options, and where each is from.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the defaults of options, and where each is from.",
    discussion: """
      An option that is not given has the value of the environment (HEED_STEPS for --steps), else that of \
      heed.yaml in this folder, else that of heed.yaml in the user's configuration folder \
      ($XDG_CONFIG_HOME/heed or ~/.config/heed), else the one that is built in. A value acts as if it were \
      given on the command line, and a message says so. sweep and causal read no defaults: they make runs \
      like those that are there. Nor do values that a layout file has.

      A key of heed.yaml is an option's name, or a command's with options of its own. Where commands mean \
      different things by a name, as by steps, a key outside of a command's means the first of them that \
      heed --help lists:
        model: /models/stable-diffusion-v1-4
        steps: 30
        sheet:
          for: cvpr
          output: [sheet.pdf, sheet.tex]
      """)

  @Argument(
    help: ArgumentHelp(
      "A command: all of its options are shown, those that are built in too.", valueName: "command")
  )
  var command: String?

  @Flag(help: "Print JSON, one object per value.")
  var json = false

  private struct Row: Encodable {
    let command: String
    let option: String
    let value: String
    let origin: String
  }

  func run() throws {
    let defaults = try Defaults.read()
    let names = Heed.commandNames
    if let command, !names.contains(command) { throw Failure.unknownCommand(command) }
    var values: [Row] = []
    for name in names where command == nil || command == name {
      let found =
        try command == nil ? defaults.values(for: name, given: []) : defaults.all(for: name)
      for value in found {
        values.append(
          Row(
            command: name, option: value.option, value: value.text,
            origin: value.origin ?? "built in"))
      }
    }
    if json { return print(TableText.json(values)) }
    guard !values.isEmpty else {
      return print(
        "no defaults are set; looked in the environment, "
          + Defaults.places.map(\.name).joined(separator: ", "))
    }
    let rows = values.map { [$0.command, $0.option, $0.value.isEmpty ? "-" : $0.value, $0.origin] }
    print(
      AlignedColumns([["command", "option", "value", "origin"]] + rows, leftAligned: [0, 1, 2, 3])
        .text)
  }
}
