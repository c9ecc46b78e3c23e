import Foundation
import TestSupport
import Testing

/// What many runs take of memory and open files in one sheet, table or page.
///
/// The documentation promises 256 MiB for a thousand; HEED_TORTURE tries that many.
@Suite("Many runs at once")
struct ManyRunsTests {
  private static let count = Torture.count(120, whole: 1000)
  private static let mebibytes = 256

  @Test(
    "A sheet, tables and the page of a benchmark take little memory and few open files, however many runs there are"
  )
  func memory() throws {
    let one = try ScoredBench(prompts: [ScoredBench.prompts[0]], seeds: [0])
    try one.makeRuns(["--pack"])
    let seeds = Array(0..<Self.count / 2)
    let bench = try ScoredBench(prompts: [ScoredBench.prompts[0]], seeds: seeds)
    for (method, _) in bench.methods {
      let place = "/bench/runs/p1/\(method)"
      try FileManager.default.createDirectory(
        atPath: bench.folder.path + place, withIntermediateDirectories: true)
      for seed in seeds {
        let run = bench.folder.path + place + "/seed-\(seed)"
        try FileManager.default.copyItem(atPath: one.folder.path + place + "/seed-0", toPath: run)
        for file in ["/run.json", "/attention.zarr/zarr.json"] {
          let text = try String(contentsOfFile: run + file, encoding: .utf8)
          try text.replacing(/"seed" ?: ?0/, with: "\"seed\":\(seed)")
            .write(toFile: run + file, atomically: true, encoding: .utf8)
        }
      }
    }
    for arguments in [
      ["analyze", "bench/runs/p1"], ["analyze", "bench/runs/p1", "--report", "outcome", "--csv"],
      ["sheet", "bench/runs/p1/stable-diffusion", "--layout", "neglect", "-o", "neglect.pdf"],
      ["sheet", "bench/runs/p1", "--layout", "methods", "-o", "methods.pdf"],
      ["benchmark", "table", "bench"], ["benchmark", "report", "bench"],
      ["benchmark", "figure", "bench", "--kind", "grid", "--prompts", "p1", "-o", "grid.pdf"],
    ] {
      let result = try HeedProcess.run(
        arguments, in: bench.folder.path, shell: Self.measured)
      #expect(result.status == 0, "\(arguments) \(result.stderr)")
      let peak = try #require(Int(bench.folder.text("peak")), "\(arguments)")
      #expect(peak < Self.mebibytes << 10, "\(arguments): \(peak / 1024) MiB")
    }
  }

  /// Runs a command with fewer files than there are runs, and writes the most memory that it had resident, in KiB,
  /// to the file `peak`.
  private static let measured = """
    ulimit -n 200; exec /usr/bin/python3 -c '
    import os, sys
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(child, 0)
    open("peak", "w").write(str(usage.ru_maxrss))
    sys.exit(os.waitstatus_to_exitcode(status))' "$@"
    """
}
