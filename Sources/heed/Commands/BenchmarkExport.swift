import ArgumentParser
import Evaluation
import Foundation

/// Pictures of a benchmark for other programs.
struct BenchmarkExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Copies a benchmark's pictures into the layout of another benchmark's scripts.",
    usage: "heed benchmark export <folder> --layout <layout> -o <folder> [<options>]",
    discussion: """
      Examples:
        heed benchmark export bench --layout visor -o visor
        heed benchmark export bench --layout geneval --method conform -o geneval

      Only completed runs are exported. dsg, visor and syngen hold several methods, the others one; geneval2, \
      tifa and dsg hold one picture a prompt and method. geneval2, tifa and dsg need their own file of \
      questions by --metadata; geneval reads its own, or asks for what the suite says. Pictures are PNG \
      under every name, also where a script wants names that end in .jpg.

      heed-export.json in the folder says which run each picture is of; heed benchmark import reads it.
      """)

  @Argument(help: ArgumentHelp("The benchmark's folder.", valueName: "folder"))
  var benchmark: String

  @Option(help: ArgumentHelp("The layout.", valueName: "layout"))
  var layout: PictureLayout

  @Option(
    help: ArgumentHelp(
      "Methods, by the names of their folders, separated by commas. (default: all)",
      valueName: "methods"))
  var method: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seeds, as in 0..3 or 7,12. (default: all)", valueName: "list"))
  var seeds: String?

  @Option(help: ArgumentHelp("A subset of the suite. (default: all)", valueName: "name"))
  var subset: String?

  @Option(
    help: ArgumentHelp(
      "The other benchmark's own file of prompts or questions.", valueName: "file"),
    completion: .file())
  var metadata: String?

  @Flag(help: "Make hard links to the runs' pictures instead of copies.")
  var link = false

  @Option(name: [.short, .long], help: ArgumentHelp("The folder to make.", valueName: "folder"))
  var output: String

  func run() throws {
    let choice = SuitePictures.Choice(
      subset: subset,
      methods: method?.split(separator: ",", omittingEmptySubsequences: false).map(String.init),
      seeds: try seeds.map { try SeedList($0).seeds })
    let pictures = try SuitePictures(BenchmarkFolder(benchmark), choice)
    let export = try LayoutExport(pictures, layout, metadata: metadata)
    Interrupt.watch()
    try export.write(to: output, linking: link) { try Interrupt.check("nothing was written") }
    for note in export.notes { Message.note(note) }
    print(
      "\(output): \(layout.rawValue), pictures: \(export.count), prompts: "
        + "\(pictures.prompts.count), methods: \(pictures.methods.count), seeds: "
        + "\(pictures.seeds.count)")
  }
}

extension PictureLayout: ExpressibleByArgument {}
