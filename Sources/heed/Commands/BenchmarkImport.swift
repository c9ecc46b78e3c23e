import ArgumentParser
import Evaluation
import Foundation
import TensorEngine

/// Scores of other programs for a benchmark's tables.
struct BenchmarkImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Adds another program's results for exported pictures to a benchmark's scores.",
    usage: "heed benchmark import <folder> <file> [--export <folder>] [<options>]",
    discussion: """
      Examples:
        heed benchmark import bench ae/metrics/clip_raw_metrics.json
        heed benchmark import bench verdicts.csv --name qwen-vl

      Reads what the scripts of the layouts of heed benchmark export write: clip_raw_metrics.json, \
      blip_raw_metrics.json, vqa_result.json, GenEval's results.jsonl, GenEval 2's lists, VISOR's and TIFA's \
      results, DSG's answers; the form is told from the content. The export is the nearest folder above \
      the file with heed-export.json, unless --export names it.

      Any other program, as a language model that judges pictures, writes CSV, lines of JSON objects or a list \
      of them: a picture by image_path (or image, path, file, filename, picture), or by id, method and \
      seed; every other column of numbers, or of yes and no, is a score, unless its name says that it names \
      something, as seed, index or image_id. Paths are those of an export, or of the benchmark's own pictures.

      Scores go into scores/NAME.jsonl; those that NAME gave the same pictures before are replaced.
      """)

  @Argument(help: ArgumentHelp("The benchmark's folder.", valueName: "folder"))
  var benchmark: String

  @Argument(help: ArgumentHelp("The file of results.", valueName: "file"), completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp("The export whose pictures were scored.", valueName: "folder"),
    completion: .directory)
  var export: String?

  @Option(
    help: ArgumentHelp(
      "The method of the pictures, where an export of several does not tell.", valueName: "method"))
  var method: String?

  @Option(
    help: ArgumentHelp(
      "What the scorer is called in tables. (default: by the tool, or the file's name)",
      valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp(
      "The model that scored, for people. (default: the tool's name)", valueName: "text"))
  var scoredBy: String?

  func run() throws {
    let source = ResultsImport.Source(
      export: export, method: method, name: name, model: scoredBy)
    let results = try ResultsImport(file, of: BenchmarkFolder(benchmark), source)
    if !results.leftOut.isEmpty {
      let columns = results.leftOut.map { $0.isEmpty ? "\"\"" : $0 }
      Message.note("columns that are no scores: \(columns.joined(separator: ", "))")
    }
    if let first = results.missing.first {
      let more = results.missing.count - 1
      Message.warning(
        "\(file) has no result for \(first)" + (more == 0 ? "" : " and \(more) more pictures"))
    }
    let outcome = try results.write()
    let names = Set(results.scores.flatMap(\.values.keys)).sorted().map(FileError.printable)
    print(
      "\(outcome.path): \(outcome.pictures) pictures"
        + (outcome.replaced == 0 ? "" : ", \(outcome.replaced) of them scored before")
        + (names.isEmpty ? "" : "; scores: \(names.joined(separator: ", "))"))
  }
}
