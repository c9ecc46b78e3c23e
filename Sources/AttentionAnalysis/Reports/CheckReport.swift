package import AttentionTrace

/// The problems that checks found, and the counts.
package struct CheckReport {
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

  package init(_ checks: [RunCheck]) { self.checks = checks }

  package var problems: Int { sum(\.problems.count) }

  package var problemCount: String { Self.count(problems, "problem") }

  package static func count(_ count: Int, _ name: String) -> String {
    "\(count) \(name)\(count == 1 ? "" : "s")"
  }

  private func sum(_ number: (RunCheck) -> Int) -> Int { checks.reduce(0) { $0 + number($1) } }

  package func text(json: Bool) -> String { json ? TableText.json(checks.map(Self.facts)) : lines }

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
