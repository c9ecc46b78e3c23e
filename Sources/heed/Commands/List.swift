import ArgumentParser
import AttentionAnalysis
import Foundation

/// The runs in a folder, a line for each.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists recorded runs: how far they are, and the verdict on each.",
    discussion: """
      A line for each run in or below the folder: prompt, method, seed, how far it is, the size of its \
      files, and the verdict on its subjects by the excitation scores that the run measured. Of a run that \
      measured none, as one of another pipeline, heed analyze makes them of the maps. A run is damaged if it \
      cannot be read; heed check says why. In a terminal, lines are cut to its width.
      """)

  @Argument(
    help: ArgumentHelp("A folder that holds runs.", valueName: "folder"), completion: .runs)
  var folder = "runs"

  @Flag(help: "Print JSON, one object per run.")
  var json = false

  func run() throws {
    let listing = try RunListing(folder)
    print(
      json ? listing.json : listing.text(columns: TerminalWidth.columns(of: STDOUT_FILENO)))
  }
}
