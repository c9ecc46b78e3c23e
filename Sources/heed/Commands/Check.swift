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

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
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

/// The problems that checks found, and the counts.
private struct CheckReport {
  private struct Run: Encodable {
    struct Problem: Encodable {
      let file: String
      let problem: String
    }

    let run: String
    /// `running` for one that is not complete; `nil` if `run.json` cannot be read.
    let status: RunManifest.Status?
    let calls: Int
    let chunks: Int
    /// Chunks that were acknowledged and are missing.
    let missing: Int
    let rows: Int
    let problems: [Problem]
  }

  private let checks: [RunCheck]

  init(_ checks: [RunCheck]) { self.checks = checks }

  var problems: Int { sum(\.problems.count) }

  var problemCount: String { Self.count(problems, "problem") }

  static func count(_ count: Int, _ name: String) -> String {
    "\(count) \(name)\(count == 1 ? "" : "s")"
  }

  private func sum(_ number: (RunCheck) -> Int) -> Int { checks.reduce(0) { $0 + number($1) } }

  func text(json: Bool) -> String { json ? TableText.json(checks.map(Self.facts)) : lines }

  private static func facts(_ check: RunCheck) -> Run {
    Run(
      run: check.folder.path, status: check.status, calls: check.calls, chunks: check.chunks,
      missing: check.missing, rows: check.rows,
      problems: check.problems.map { Run.Problem(file: $0.file, problem: $0.reason) })
  }

  private var lines: String {
    var lines = checks.flatMap { check in
      (check.status == .running
        ? ["\(check.folder.path): not complete; checked up to call \(check.calls)"] : [])
        + check.problems.map(\.description)
    }
    let missing = sum(\.missing)
    lines.append(
      "runs \(checks.count), calls \(sum(\.calls)), chunks \(sum(\.chunks))"
        + (missing > 0 ? " (\(missing) missing)" : "")
        + ", rows \(sum(\.rows)): \(problemCount)")
    return lines.joined(separator: "\n")
  }
}
