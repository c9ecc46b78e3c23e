import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Foundation

/// A sheet again, from the folders alone.
struct Sheet: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the sheet of recorded runs, without a model.",
    discussion: """
      Give the run folders of one prompt, for each seed one of stable-diffusion and one of another \
      method, or a folder above them; or runs of heed explain.
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String]

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "A .pdf, .png, .svg, or .json (shapes and words as they are laid out); repeatable.",
      valueName: "file"))
  var output: [String] = ["sheet.pdf", "sheet.png"]

  @Option(
    help: ArgumentHelp(
      "How maps are made, as in \"mean(head) mean(layer: 16x16) mean(step: 0..24)\".",
      valueName: "text"))
  var recipe: String?

  func run() throws {
    let folders = try runs.flatMap(RunSearch.folders)
    let recipe = try recipe.map(Recipe.init(parsing:))
    try SheetWriter.write(
      try folders.map { try RecordedRun($0) }, recipe: recipe, to: output)
  }
}

/// Finds run folders.
enum RunSearch {
  /// The folder itself if it is a run, else every run below it, in order of path.
  /// - Throws: ``Failure`` if there is none.
  static func folders(_ path: String) throws -> [String] {
    let files = FileManager.default
    if files.fileExists(atPath: RunFolder(path: path).manifest) { return [path] }
    var found: [String] = []
    let walk = files.enumerator(atPath: path)
    while let name = walk?.nextObject() as? String {
      if name.hasSuffix(".zarr") { walk?.skipDescendants() }
      if name.hasSuffix("/run.json") { found.append(path + "/" + name.dropLast(9)) }
    }
    guard !found.isEmpty else {
      throw Failure(.missingInput, "\(path): no run here; a run is a folder with run.json")
    }
    return found.sorted()
  }
}
