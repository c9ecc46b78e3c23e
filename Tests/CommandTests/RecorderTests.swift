import Foundation
import TestSupport
import Testing

/// `notebooks-export/heed_record.py`, by its own tests in Python, and by what Heed makes of its runs.
///
/// `make test-recorder` installs what they need; `HEED_PYTHON` names a Python that has it.
@Suite(
  "Recorder for diffusers",
  .enabled(
    if: Diffusers.python != nil,
    "HEED_PYTHON names no Python with PyTorch and diffusers; make test-recorder installs one"))
struct RecorderTests {
  @Test("Its tests in Python pass")
  func tests() throws {
    let answer = try Diffusers.run(
      "/bin/sh", [Repository.root + "/Tests/RecorderTests/run.sh", Diffusers.python ?? ""])
    #expect(answer.status == 0, "\(answer.output.suffix(8000))")
    #expect(answer.output.contains(/Ran [1-9][0-9]{2} tests/), "\(answer.output.suffix(500))")
  }

  @Test(
    "The notebook of one's own pipeline shows what it stores",
    .enabled(
      if: Diffusers.has("jupytext, nbclient, ipykernel, matplotlib"),
      "HEED_PYTHON lacks what notebooks-export/requirements.txt names"))
  func notebook() throws {
    let answer = try Diffusers.run(
      Diffusers.python ?? "",
      [
        Repository.fixtures + "/notebooks/run_notebooks.py", "check",
        Repository.root + "/notebooks-export", "06-your-own-pipeline",
      ])
    #expect(answer.status == 0, "\(answer.output.suffix(4000))")
  }
}

/// The Python that has PyTorch and diffusers.
enum Diffusers {
  static let python: String? = ProcessInfo.processInfo.environment["HEED_PYTHON"]
    .flatMap { imports("torch, diffusers, transformers", $0) ? $0 : nil }

  /// Whether it has these modules too.
  static func has(_ modules: String) -> Bool { python.map { imports(modules, $0) } ?? false }

  private static func imports(_ modules: String, _ python: String) -> Bool {
    (try? run(python, ["-c", "import " + modules]))?.status == 0
  }

  /// Runs a program with the built command named in `HEED`; the output is both streams.
  static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, output: String) {
    let folder = try TemporaryFolder()
    try folder.write("output", [])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["HEED": try HeedProcess.executable, "OMP_NUM_THREADS": "1"]) { $1 }
    let output = FileHandle(forWritingAtPath: folder.path + "/output")
    process.standardOutput = output
    process.standardError = output
    try process.runWithSignals()
    process.waitUntilExit()
    return (process.terminationStatus, folder.text("output"))
  }
}
