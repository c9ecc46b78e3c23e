import Foundation
import Glibc
import TestSupport
import Testing

/// Where runs go, and what can be wrong with that place.
@Suite("Output folders")
struct OutputFolderTests {
  static let prompt = "a cat and a frog"
  private static let arguments = ["generate", prompt, "--steps", "6"]
  private static let run = "runs/a-cat-and-a-frog/attend-and-excite/seed-0"

  @Test("The same run again is left alone")
  func completeRun() throws {
    let folder = try TemporaryFolder()
    let first = try HeedProcess.run(Self.arguments, in: folder.path)
    #expect(first.status == 0)
    #expect(first.stdout == Self.run + "\n")
    let before = try RunContents(folder.path + "/" + Self.run, with: ["run.json"])
    let second = try HeedProcess.run(Self.arguments, in: folder.path)
    #expect(second.status == 0)
    #expect(second.stdout == first.stdout)
    #expect(second.stderr.contains("complete in " + Self.run))
    #expect(try RunContents(folder.path + "/" + Self.run, with: ["run.json"]) == before)
  }

  @Test(
    "A folder that holds another run is refused with what differs",
    arguments: [
      (["--guidance-scale", "3"], "request.guidanceScale"), (["--steps", "5"], "request.steps"),
      (["--scheduler", "pndm"], "request.scheduler"), (["--tokens", "cat"], "request.subjects"),
      (["--precision", "float32"], "request.recording"), (["--no-record"], "request.recording"),
      (["--model", Repository.tinyModel], ""), (["--sigma", "0.6"], "request.method"),
      (["--negative-prompt", "a dog"], "request.negativePrompt"),
      (["--size", "128x136"], "height"),
      (["--rng", "numpy"], "request.rng"),
    ])
  func otherRun(_ difference: (options: [String], field: String)) throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let before = try RunContents(folder.path, with: ["run.json"])
    let options =
      difference.options.contains("--steps") ? Array(Self.arguments.dropLast(2)) : Self.arguments
    let result = try HeedProcess.run(options + difference.options, in: folder.path)
    #expect(result.status == 73)
    #expect(
      result.messages.last?.contains("holds another run: its " + difference.field) == true,
      "\(result.stderr)")
    #expect(try RunContents(folder.path, with: ["run.json"]) == before)
  }

  @Test("A folder with foreign files is refused and left as it was")
  func foreignFiles() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.run + "/thesis.tex", "years of work".utf8)
    let names = folder.names
    let result = try HeedProcess.run(Self.arguments, in: folder.path)
    #expect(result.status == 73)
    #expect(result.messages.last?.contains("has no run.json") == true)
    #expect(folder.names == names)
  }

  @Test(
    "A place that cannot be a folder is refused",
    arguments: ["file", "file/below", "/proc/nosuch", "/dev/null", "/proc/self/fd/x"])
  func noFolder(_ output: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "text".utf8)
    let result = try HeedProcess.run(
      Self.arguments + ["--output", output, "--tokens", "cat"], in: folder.path)
    expectRefusal(result, 73, [output.split(separator: "/").first.map(String.init) ?? ""])
    #expect(folder.names == ["file"])
  }

  @Test("An empty name of a folder is refused")
  func emptyName() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(Self.arguments + ["--output="], in: folder.path)
    expectRefusal(result, 64, ["--output"])
  }

  @Test("A damaged manifest is named", arguments: ["", "{", "[]", "{}"])
  func damagedManifest(_ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.run + "/run.json", text.utf8)
    let result = try HeedProcess.run(Self.arguments + ["--tokens", "cat"], in: folder.path)
    expectRefusal(result, 65, [Self.run + "/run.json"])
  }

  @Test("A run that another process writes is refused")
  func busyRun() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.run + "/.empty.tmp", [])
    let descriptor = open(folder.path + "/" + Self.run + "/.lock", O_RDWR | O_CREAT, 0o666)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    let result = try HeedProcess.run(Self.arguments + ["--tokens", "cat"], in: folder.path)
    expectRefusal(result, 73, ["written by another process"])
  }

  @Test(
    "Where the file system has no locks, one line says so, however many runs there are",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"),
    arguments: [["generate", prompt, "--seeds", "0..2"], ["pack", "runs"]])
  func withoutLocks(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    if arguments[0] == "pack" {
      let made = ["generate", Self.prompt, "--seeds", "0..2", "--steps", "2"]
      #expect(try HeedProcess.run(made, in: folder.path).status == 0)
    }
    let result = try HeedProcess.run(
      arguments + (arguments[0] == "pack" ? [] : ["--steps", "2"]), in: folder.path,
      environment: ["LD_PRELOAD": FaultyCalls.library ?? "", "FAULT_FLOCK": "\(ENOLCK)"])
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.messages.count { $0.contains("has no locks") } == 1, "\(result.stderr)")
    #expect(folder.names.allSatisfy { !$0.hasSuffix(".lock") })
  }

  @Test("Of commands that begin the same run at once one makes it, and the others leave it alone")
  func together() throws {
    let folder = try TemporaryFolder()
    let processes = try (0..<4).map { _ in try HeedProcess(Self.arguments, in: folder.path) }
    let results = processes.map { $0.wait() }
    #expect(results.contains { $0.status == 0 })
    for result in results where result.status != 0 {
      #expect(result.status == 73, "\(result.stderr)")
      #expect(
        result.messages.last?.contains("written by another process: process ") == true,
        "\(result.stderr)")
    }
    let check = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(check.status == 0, "\(check.stdout)")
    #expect(!folder.names.contains(Self.run + "/.lock"))
  }

  @Test(
    "A run that another process is making has its turn last: the others are made, then it is refused"
  )
  func turns() throws {
    let folder = try TemporaryFolder()
    let runs = folder.path + "/runs/a-cat-and-a-frog/"
    try FileManager.default.createDirectory(
      atPath: runs + "stable-diffusion/seed-0", withIntermediateDirectories: true)
    let descriptor = open(runs + "stable-diffusion/seed-0/.lock", O_CREAT | O_RDWR, 0o666)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    let arguments = ["compare", Self.prompt, "--seeds", "0", "--steps", "4", "--batch", "1"]
    let refused = try HeedProcess.run(arguments, in: folder.path)
    #expect(refused.status == 73, "\(refused.stderr)")
    #expect(refused.messages.last?.contains("written by another process") == true)
    #expect(FileManager.default.fileExists(atPath: runs + "attend-and-excite/seed-0/image.png"))
    #expect(flock(descriptor, LOCK_UN) == 0)
    #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
  }

  @Test("Of two comparisons in one folder neither takes anything from the other")
  func comparisons() throws {
    let arguments = ["compare", Self.prompt, "--seeds", "0", "--steps", "4"]
    let whole = try TemporaryFolder()
    #expect(try HeedProcess.run(arguments, in: whole.path).status == 0)
    let runs = "runs/a-cat-and-a-frog"
    for attempt in 0..<Torture.count(2, whole: 20) {
      let folder = try TemporaryFolder()
      let first = try HeedProcess(arguments, in: folder.path)
      usleep(UInt32(attempt * 60_000))
      let second = try HeedProcess(arguments, in: folder.path)
      let results = [first.wait(), second.wait()]
      #expect(results.contains { $0.status == 0 })
      for result in results where result.status != 0 {
        #expect(result.status == 73, "\(result.stderr)")
        #expect(
          result.messages.last?.contains("written by another process: process ") == true,
          "\(result.stderr)")
      }
      #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
      let (made, expected) = (
        try RunContents(folder.path + "/" + runs), try RunContents(whole.path + "/" + runs)
      )
      #expect(made.names == expected.names)
      #expect(made == expected)
    }
  }

  @Test(
    "Writes that take less than they are given, or are interrupted, change no byte of runs and sheets",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"))
  func shortWrites() throws {
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    let faults = [
      "LD_PRELOAD": FaultyCalls.library ?? "", "FAULT_SHORT": "1000", "FAULT_INTERRUPT": "3",
    ]
    for (folder, environment) in zip(folders, [[:], faults]) {
      let made = try HeedProcess.run(
        ["generate", Self.prompt, "--steps", "2"], in: folder.path, environment: environment)
      #expect(made.status == 0, "\(made.stderr)")
      let drawn = try HeedProcess.run(
        ["sheet", "\(folders[0].path)/runs", "--layout", "curves", "--dpi", "72"]
          + ["a.pdf", "a.png", "a.svg"].flatMap { ["-o", $0] }, in: folder.path,
        environment: environment)
      #expect(drawn.status == 0, "\(drawn.stderr)")
    }
    #expect(try RunContents(folders[0].path) == RunContents(folders[1].path))
  }

  @Test(
    "A folder that cannot be made ends every command that makes one with 73, its name and errno")
  func unmadeFolders() throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "text".utf8)
    for arguments in [
      ["benchmark", "submit", "--slurm", "--script-only", "-o", "file/x"],
      ["generate", Self.prompt, "-o", "file/x"],
      ["sheet", Repository.fixtures + "/format-1", "--layout", "curves", "-o", "file/x/a.pdf"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 73, "\(result.stderr)")
      let line = result.messages.last ?? ""
      #expect(line.contains("file/x") && line.hasSuffix("Not a directory (errno 20)"), "\(line)")
    }
    #expect(folder.names == ["file"])
  }

  @Test("A script of Slurm has its folder as one word, in which no % stands for anything")
  func folderOfTasks() throws {
    let folder = try TemporaryFolder()
    let submit = ["benchmark", "submit", "--slurm", "--script-only", "--shards", "2", "-o"]
    let result = try HeedProcess.run(submit + ["my \"50%a\" bench"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let lines = folder.text("my \"50%a\" bench/submit.sh").components(separatedBy: "\n")
    #expect(lines.contains(#"#SBATCH --output="my \"50%%a\" bench/task-%a.log""#), "\(lines)")
    for name in ["a\\b", "a\nb"] {
      expectRefusal(
        try HeedProcess.run(submit + [name], in: folder.path), 64, ["--output is", "backslash"])
    }
  }

  /// Blocks of 512 bytes that a file may have: too few for the journal, for a chunk, for the
  /// latent and for the picture.
  @Test("A limit on file sizes stops a run where it can go on", arguments: [0, 4, 8, 24, 60])
  func fileSizeLimit(_ blocks: Int) throws {
    let whole = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: whole.path).status == 0)
    let folder = try TemporaryFolder()
    let stopped = try HeedProcess.run(
      Self.arguments, in: folder.path,
      shell: "ulimit -f \(blocks); exec \"$@\" 2> /dev/null")
    #expect([0, 74].contains(stopped.status))
    let resumed = try HeedProcess.run(Self.arguments, in: folder.path)
    #expect(resumed.status == 0, "\(stopped.stderr) \(resumed.stderr)")
    #expect(
      try RunContents(folder.path + "/" + Self.run) == RunContents(whole.path + "/" + Self.run))
  }

  @Test(
    "A disk that fills up mid-run ends it with 74, and with room again it goes on to the same bytes",
    .enabled(if: SmallDisk.isPossible, "mounting a small file system needs root"),
    arguments: [64, 200, 400])
  func fullDisk(_ kibibytes: Int) throws {
    let disk = try SmallDisk(kibibytes: kibibytes)
    let options = Self.arguments + ["--layers", "*", "--output", disk.path + "/runs"]
    let refused = try HeedProcess.run(options, in: disk.path)
    #expect(refused.status == 73)
    #expect(refused.messages.last?.contains("recording needs") == true)
    // Something else fills the disk after the check.
    try disk.resize(kibibytes: 16_384)
    let process = try HeedProcess(options + ["--tokens", "cat,frog"], in: "/")
    while process.messagesSoFar.isEmpty
      && !FileManager.default.fileExists(atPath: disk.path + "/" + Self.run + "/calls.jsonl")
    { usleep(500) }
    try disk.fill()
    let stopped = process.wait()
    try disk.empty()
    let whole = try TemporaryFolder()
    let reference = Self.arguments + ["--layers", "*", "--tokens", "cat,frog"]
    #expect(try HeedProcess.run(reference, in: whole.path).status == 0)
    if stopped.status != 0 {
      expectRefusal(stopped, 74, ["No space left on device"])
      #expect(try HeedProcess.run(options + ["--tokens", "cat,frog"], in: "/").status == 0)
    }
    #expect(
      try RunContents(disk.path + "/" + Self.run) == RunContents(whole.path + "/" + Self.run))
  }
}

/// The files of runs whose bytes a second run must repeat.
struct RunContents: Equatable {
  private let files: [String: [UInt8]]

  /// Reads the folder `path`, without sheets, which carry their runs' date; `run.json` holds a date
  /// and a duration, so it counts only if asked.
  init(_ path: String, with others: Set<String> = []) throws {
    let manager = FileManager.default
    var files: [String: [UInt8]] = [:]
    for name in try manager.subpathsOfDirectory(atPath: path) {
      let last = name.split(separator: "/").last.map(String.init) ?? name
      var isFolder: ObjCBool = false
      guard manager.fileExists(atPath: path + "/" + name, isDirectory: &isFolder),
        !isFolder.boolValue, !last.hasPrefix("sheet."),
        last != "run.json" || others.contains(last)
      else { continue }
      files[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }
    self.files = files
  }

  subscript(name: String) -> [UInt8] { files[name, default: []] }

  var names: [String] { files.keys.sorted() }
}
