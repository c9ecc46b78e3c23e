import ArgumentParser
import AttentionAnalysis
import AttentionTrace

/// Whether the files of recorded runs are sound and agree with each other.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks every file of recorded runs.",
    discussion: """
      Every chunk's checksum must be its own and the journal's; rows must sum to 1 where all tokens \
      were recorded (within 1e-5 in float32; in float16 within 1e-5 + 2^-11 + 2^-25 for each token); \
      arrays must be what run.json plans and zarr.json describes; calls.jsonl must hold the calls \
      of run.json in order, and coordinates and losses.csv the same numbers; a complete run must \
      have a picture and a latent of the right size. In a run that is not complete, the acknowledged \
      calls are checked.

      Prints one line per problem, with its file, then the counts.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String]

  @Flag(help: "Print JSON, one object per run.")
  var json = false

  func run() throws {
    let checks = try runs.flatMap(RunSearch.folders).map(RunCheck.init)
    let report = CheckReport(checks)
    print(report.text(json: json))
    guard report.problems > 0 else { return }
    throw Failure(.dataError, "\(report.problemCount) in \(CheckReport.count(checks.count, "run"))")
  }
}
