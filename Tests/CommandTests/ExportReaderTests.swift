import Foundation
import TestSupport
import Testing

/// Exports opened by the libraries that they are made for.
///
/// `make readers` installs these; `HEED_READERS` names another Python that has them.
@Suite("Readers of heed export", .enabled(if: Readers.python != nil, "make readers installs them"))
struct ExportReaderTests {
  private static let prompt = OutputFolderTests.prompt
  private static let plain = "runs/a-cat-and-a-frog/stable-diffusion/seed-"
  private static let excited = "runs/a-cat-and-a-frog/attend-and-excite/seed-0"
  private static let binary = "npy,npz,safetensors,zarr,zarr2,netcdf"

  /// An export's arguments behind its runs, by folder.
  private static let exports: [(name: String, runs: [String], arguments: [String])] = [
    ("whole", [plain + "0"], ["--format", binary]),
    ("runs", [plain + "0", plain + "1"], ["--format", binary]),
    (
      "selection", [plain + "0"],
      [
        "--format", binary, "--format", "csv", "--layers", "mid*,8x8", "--heads", "0,2..3",
        "--steps", "1..2", "--tokens", "frog,cat,@0,<end>", "--branches", "conditional",
      ]
    ),
    (
      "float32", [plain + "0", plain + "1"],
      ["--format", "csv,\(binary)", "--layers", "mid*", "--dtype", "float32", "--tokens", "cat"]
    ),
    (
      "recipe", [plain + "0", plain + "1"],
      [
        "--format", "csv,\(binary)", "--recipe", "mean(head) mean(layer: 16x16) mean(step)",
        "--steps", "1..3",
      ]
    ),
    (
      "timeline", [plain + "0"],
      [
        "--format", binary, "--recipe", "mean(layer: 8x8)", "--each-step", "--tokens",
        "cat,frog",
      ]
    ),
    ("half", [plain + "1"], ["--format", binary, "--recipe", "daam", "--dtype", "float16"]),
    ("table", [plain + "0"], ["--format", "csv", "--layers", "mid*"]),
    ("refined", [excited], ["--format", binary, "--layers", "*attn1,16x16", "--steps", "0..2"]),
    ("gone", ["gone"], ["--format", binary, "--branches", "conditional"]),
    ("going-on", ["going-on"], ["--format", binary]),
  ]

  @Test("Every format opens, and holds what the runs' own stores hold")
  func open() throws {
    let folder = try TemporaryFolder()
    try Self.record(in: folder)
    var arguments: [String] = []
    for (name, runs, more) in Self.exports {
      let result = try HeedProcess.run(
        ["export"] + runs + ["-o", "exports/" + name] + more, in: folder.path)
      #expect(result.status == 0, "\(name): \(result.stderr)")
      let warnings = result.messages.filter { $0.hasPrefix("heed: warning: ") }
      #expect(result.messages.count == warnings.count)
      #expect(warnings.count == (name == "gone" ? 1 : 0), "\(name): \(result.stderr)")
      arguments += ["exports/" + name] + runs + ["--"]
    }
    let answer = try Readers.run(
      script: "/export/read_export.py",
      (Readers.rscript.map { ["--r", $0] } ?? []) + arguments.dropLast(), in: folder.path)
    #expect(answer.status == 0, "\(answer.stderr)")
    for (count, what) in [
      (Self.exports.count, "manifests"), (1, "npy bytes"), (1, "npz bytes"), (2, "recipes"),
      (4 * Self.exports.count, "tables"), (3, "csv"), (1, "zarr"), (1, "zarr2"),
      (1, "safetensors"), (1, "netcdf"), (1, "README NumPy"), (1, "README xarray"),
      (1, "README pandas"), (Self.exports.count, "README DuckDB"), (50, "joins"), (10, "reader"),
      (10, "reader maps"), (10, "pictures"),
    ] {
      #expect(answer.counts[what, default: 0] >= count, "\(what): \(answer.stdout)")
    }
    if Readers.rscript != nil { #expect(answer.counts["README R", default: 0] >= 10) }
  }

  @Test("Every CSV that a command writes opens in DuckDB's strict reader, one line end throughout")
  func csv() throws {
    let folder = try TemporaryFolder()
    let generated = try HeedProcess.run(
      ["compare", Self.prompt, "--steps", "4", "--seeds", "0..1", "--layers", "*"], in: folder.path)
    #expect(generated.status == 0, "\(generated.stderr)")
    let reports = [
      "neglect", "words", "statistics", "overlap", "convergence", "mass", "spectrum", "outcome",
      "difference", "heads",
    ]
    var files = folder.names.filter { $0.hasSuffix("/losses.csv") }
    #expect(files.count == 4)
    for (name, arguments) in reports.map({ ($0, ["analyze", "runs", "--report", $0, "--csv"]) }) + [
      ("over", ["analyze", "runs", "--report", "mass", "--over-seeds", "--csv"]),
      (
        "sweep",
        [
          "sweep", Self.prompt, "--vary", "scale-factor=10,20", "--steps", "4", "--seeds", "0",
          "--csv",
        ]
      ),
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(name): \(result.stderr)")
      try folder.write(name + ".csv", result.stdout.utf8)
      files.append(name + ".csv")
    }
    let answer = try Readers.run(script: "/export/read_csv.py", files, in: folder.path)
    #expect(answer.status == 0, "\(answer.stderr)")
    #expect(answer.counts["files"] == files.count)
  }

  @Test("One file or store opens by its name, in xarray's readers and in heed_reader")
  func alone() throws {
    let folder = try TemporaryFolder()
    let generated = try HeedProcess.run(
      ["compare", Self.prompt, "--steps", "3", "--seeds", "0,4294967296"], in: folder.path)
    #expect(generated.status == 0, "\(generated.stderr)")
    // A seed that needs more than 32 bits makes another form of NetCDF.
    let runs = ["seed-0", "seed-4294967296"].map { "runs/a-cat-and-a-frog/attend-and-excite/\($0)" }
    var files: [String] = []
    for (index, given) in [[runs[0]], runs].enumerated() {
      for ending in ["nc", "zarr", "safetensors"] {
        for (kind, more) in [
          ("layers", []), ("mean", ["--recipe", "mean(head) mean(layer: 16x16)"]),
          ("each", ["--recipe", "mean(head) mean(layer: 16x16)", "--each-step"]),
        ] {
          let file = "\(kind)-\(index).\(ending)"
          let result = try HeedProcess.run(
            ["export"] + given + ["-o", file] + more, in: folder.path)
          #expect(result.status == 0, "\(file): \(result.stderr)")
          files.append(file)
        }
      }
    }
    let answer = try Readers.run(
      script: "/export/read_alone.py", runs + ["--"] + files, in: folder.path)
    #expect(answer.status == 0, "\(answer.stderr)")
    #expect(answer.counts["files"] == files.count)
  }

  @Test("heed_reader passes mypy --strict and pyflakes", arguments: ["mypy --strict", "pyflakes"])
  func typed(_ tool: String) throws {
    let words = tool.split(separator: " ").map(String.init)
    let answer = try Readers.run(
      ["-m"] + words + [Repository.root + "/notebooks-export/heed_reader.py"], in: "/tmp")
    #expect(answer.status == 0, "\(answer.stdout)\(answer.stderr)")
  }

  /// Records plain runs, an excited one with self-attention, one that lost a chunk, and one that
  /// is being written.
  private static func record(in folder: TemporaryFolder) throws {
    for arguments in [
      [
        "--method", "stable-diffusion", "--layers", "*", "--branches",
        "conditional,unconditional", "--seeds", "0..1",
      ],
      [
        "--method", "attend-and-excite", "--layers", "*,*attn1", "--phases",
        "denoise,loss,refinement", "--precision", "float32",
      ],
    ] {
      let result = try HeedProcess.run(
        ["generate", prompt, "--steps", "4"] + arguments, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
    let files = FileManager.default
    for copy in ["gone", "going-on"] {
      try files.copyItem(
        atPath: folder.path + "/" + plain + "0", toPath: folder.path + "/" + copy)
    }
    let chunk = try #require(
      folder.names.first { $0.hasPrefix("gone/") && $0.hasSuffix("c.3.0.0.0.0") })
    try folder.remove(chunk)
    // Five calls are acknowledged, and the line of the sixth is not all there.
    let lines = folder.text("going-on/calls.jsonl").split(separator: "\n")
    try folder.write(
      "going-on/calls.jsonl",
      (lines.prefix(5).joined(separator: "\n") + "\n" + lines[5].prefix(40)).utf8)
    try folder.write(
      "going-on/run.json",
      folder.text("going-on/run.json").replacing(
        "\"status\" : \"complete\"", with: "\"status\" : \"running\""
      ).utf8)
  }
}

/// Python with the libraries of `notebooks-export/requirements.txt` and of the tests' own list, and R.
enum Readers {
  private static let environment = ProcessInfo.processInfo.environment

  static let python = ReaderPython.path

  static let rscript = ["/usr/bin/Rscript", "/usr/local/bin/Rscript"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  struct Answer {
    let status: Int32
    let stdout: String
    let stderr: String

    /// How much was checked, as in `12 npy bytes`.
    var counts: [String: Int] {
      let pairs = stdout.split(separator: ", ").compactMap { part -> (String, Int)? in
        guard let space = part.firstIndex(of: " "), let count = Int(part[..<space]) else {
          return nil
        }
        return (part[part.index(after: space)...].filter { $0 != "\n" }, count)
      }
      return Dictionary(pairs) { first, _ in first }
    }
  }

  /// Runs a script of the fixtures, with `path` before the libraries that Python finds by itself.
  static func run(
    script: String, _ arguments: [String], in directory: String, path: String? = nil
  ) throws -> Answer {
    try run([Repository.fixtures + script] + arguments, in: directory, path: path)
  }

  /// Runs Python with `arguments`.
  static func run(
    _ arguments: [String], in directory: String, path: String? = nil
  ) throws -> Answer {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python ?? "/usr/bin/python3")
    process.arguments = arguments
    if let path { process.environment = environment.merging(["PYTHONPATH": path]) { $1 } }
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    for name in ["stdout", "stderr"] { try folder.write(name, []) }
    process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/stdout")
    process.standardError = FileHandle(forWritingAtPath: folder.path + "/stderr")
    try process.run()
    process.waitUntilExit()
    return Answer(
      status: process.terminationStatus, stdout: folder.text("stdout"),
      stderr: folder.text("stderr"))
  }
}
