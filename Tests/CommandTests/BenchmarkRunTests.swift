import AttentionTrace
import Evaluation
import Foundation
import PromptText
import TestSupport
import Testing

/// Suites of prompts, and what processes make of them.
@Suite("heed benchmark run")
struct BenchmarkRunTests {
  private static let suite = """
    {"id": "p1", "prompt": "a bear and a red car", "subset": "both", "subjects": ["bear", "car"], "attributes": {"car": "red"}}
    {"id": "p2", "prompt": "a cat and a frog", "subset": "animals", "subjects": ["cat", "frog"]}

    """
  private static let few = ["--suite", "s.jsonl", "--seeds", "0..1", "--steps", "3"]

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try Data(Self.suite.utf8).write(to: URL(fileURLWithPath: folder.path + "/s.jsonl"))
    return folder
  }

  private func run(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(
      ["benchmark", "run"] + Self.few + arguments, in: folder.path, environment: environment)
  }

  /// Every file below a folder with its bytes, `run.json` without its provenance.
  private func tree(_ root: String, in folder: TemporaryFolder) throws -> [String: Data] {
    let path = folder.path + "/" + root
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder),
        !isFolder.boolValue
      else { continue }
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
      if name.hasSuffix("run.json") {
        var object = try #require(
          try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        #expect(object.removeValue(forKey: "provenance") != nil)
        object.removeValue(forKey: "seconds")
        bytes = try JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
      }
      files[name] = bytes
    }
    return files
  }

  @Test("Shards that are copied together are the whole, byte for byte")
  func shards() throws {
    let folder = try folder()
    let whole = try run(["-o", "whole"], in: folder)
    #expect(whole.status == 0, "\(whole.stderr)")
    #expect(whole.stderr.contains("8 runs are complete, 8 of them made now"))
    for index in 0..<3 {
      let part = try run(["-o", "part\(index)", "--shard", "\(index)/3"], in: folder)
      #expect(part.status == 0, "\(part.stderr)")
    }
    let copied = try HeedProcess.run(
      ["--version"], in: folder.path,
      shell: "mkdir all; for i in 0 1 2; do cp -r part$i/. all; done; exec \"$@\"")
    #expect(copied.status == 0)
    let (one, other) = (try tree("whole", in: folder), try tree("all", in: folder))
    #expect(one.keys.sorted() == other.keys.sorted())
    for (name, bytes) in one { #expect(other[name] == bytes, "\(name)") }
    let again = try run(["-o", "all"], in: folder)
    #expect(again.status == 0 && again.stderr.contains("8 runs are complete, 0 of them made now"))
  }

  @Test("A run is in the folder of its prompt's id, with the maps of its subjects' words alone")
  func runs() throws {
    let folder = try folder()
    let result = try run(["-o", "b", "--methods", "stable-diffusion"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    let recorded = try RecordedRun(folder.path + "/b/runs/p1/stable-diffusion/seed-1")
    #expect(recorded.manifest.tokens.prompt == "a bear and a red car")
    #expect(recorded.manifest.plan?.tokens == [2, 6])
    #expect(recorded.manifest.status == .complete)
    let suite = try Suite(folder.path + "/b/suite.jsonl", format: .jsonl)
    #expect(suite.prompts == (try Suite(folder.path + "/s.jsonl")).prompts)
  }

  @Test("The subjects of a text file's prompts are their nouns, but for words that the window cuts")
  func nouns() throws {
    let folder = try folder()
    let long = "a cat and a frog" + String(repeating: " and", count: 67) + " the red kitchenware"
    let prompts = ["a bear on the left of a blue car", long, "a cat and a dog"]
    try folder.write("color_val.txt", (prompts.joined(separator: "\n") + "\n").utf8)
    let arguments = [
      "--suite", "color_val.txt", "--methods", "attend-and-excite,structure", "--seeds", "0",
      "-o", "b",
    ]
    let note = "the subjects of 2 prompts are the nouns that Heed found in them"
    let result = try run(arguments, in: folder)
    #expect(result.status == 0 && result.stderr.contains(note), "\(result.stderr)")
    for (prompt, nouns) in zip(prompts, [["bear", "car"], ["cat", "frog"], ["cat", "dog"]]) {
      let method = "\(folder.path)/b/runs/\(RunFolder.slug(prompt))/structure/seed-0"
      let manifest = try RecordedRun(method).manifest
      #expect(manifest.subjects.map(\.name) == nouns)
      #expect(manifest.plan?.tokens == manifest.subjects.flatMap(\.tokens).sorted())
    }
    let again = try run(arguments, in: folder)
    #expect(again.stderr.contains("6 runs are complete, 0 of them made now"), "\(again.stderr)")
  }

  @Test("Methods and seeds are added to a benchmark, another suite or model is not")
  func added() throws {
    let folder = try folder()
    for arguments in [
      ["--methods", "stable-diffusion", "--seeds", "3"], ["--methods", "conform", "--seeds", "1"],
    ] {
      let result = try run(["-o", "b"] + arguments, in: folder)
      #expect(result.status == 0, "\(result.stderr)")
    }
    let record = try BenchmarkRecord(path: folder.path + "/b/benchmark.json")
    #expect(record.methods == ["stable-diffusion", "conform"] && record.seeds == [1, 3])
    #expect(record.seeds(of: "stable-diffusion") == [3] && record.seeds(of: "conform") == [1])
    let scored = try HeedProcess.run(["benchmark", "score", "b"], in: folder.path)
    #expect(scored.status == 0 && scored.stderr.contains("clip: 4 pictures"), "\(scored.stderr)")
    let other = try run(["-o", "b", "--model", Repository.tinyModel], in: folder)
    expectRefusal(other, 65, ["benchmark.json", "expected model Menagerie"])
    let lines = Self.suite.split(separator: "\n")
    try Data((lines[0] + "\n").utf8).write(
      to: URL(fileURLWithPath: folder.path + "/s.jsonl"))
    expectRefusal(try run(["-o", "b"], in: folder), 65, ["suite.jsonl", "give another -o"])
  }

  @Test("The plan tells pictures, time, disk and files, and makes nothing")
  func plan() throws {
    let folder = try folder()
    let result = try run(["-o", "b", "--dry-run"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stdout.contains("pictures        8 of 2 prompts"))
    #expect(result.stdout.contains("min on this machine") && result.stdout.contains(" files"))
    #expect(folder.names == ["s.jsonl"])
    let one = try run(["-o", "b", "--methods", "stable-diffusion"], in: folder)
    #expect(one.status == 0, "\(one.stderr)")
    let rest = try run(["-o", "b", "--dry-run"], in: folder)
    #expect(rest.stdout.contains("complete        4; the other 4 take\ntime "))
    let done = try run(["-o", "b", "--methods", "stable-diffusion", "--dry-run"], in: folder)
    #expect(done.stdout == "pictures        4 of 2 prompts\ncomplete        all of them\n")
  }

  @Test(
    "A benchmark goes on where the disk has room for what is not there yet",
    .enabled(if: SmallDisk.isPossible, "mounting a small file system needs root"))
  func disk() throws {
    let folder = try folder()
    let disk = try SmallDisk(kibibytes: 65_536)
    let bench = disk.path + "/b"
    let whole = try run(["-o", bench], in: folder)
    #expect(whole.status == 0, "\(whole.stderr)")
    try disk.resize(kibibytes: (disk.used >> 10) + 256)
    try FileManager.default.removeItem(atPath: bench + "/runs/p1/stable-diffusion/seed-1")
    let plan = try run(["-o", bench, "--dry-run"], in: folder)
    #expect(plan.status == 0 && plan.stdout.contains("complete        7; the other 1 take"))
    let rest = try run(["-o", bench], in: folder)
    #expect(rest.status == 0, "\(rest.stderr)")
    #expect(rest.stderr.contains("8 runs are complete, 1 of them made now"))
    expectRefusal(
      try run(["-o", disk.path + "/c"], in: folder), 73, ["recording needs", "/c/runs"])
  }

  @Test("What cannot be planned is said in one line that names the prompt")
  func planning() throws {
    let folder = try folder()
    let lines =
      Self.suite + #"{"id": "p3", "prompt": "it is red"}"#
    try folder.write("s.jsonl", lines.utf8)
    expectRefusal(
      try run(["-o", "b", "--methods", "attend-and-excite"], in: folder), 65,
      ["the prompt p3 of s: which words are the subjects? Give the prompt subjects in the suite"])
    expectRefusal(
      try run(["-o", "b", "--attention-resolution", "7x7"], in: folder), 69,
      ["the prompt p1 of s: no cross-attention at 7x7"])
    let all = try run(["--methods", "all", "--list", "--seeds", "0"], in: folder)
    #expect(all.status == 0, "\(all.stderr)")
    #expect(all.messages.allSatisfy { $0.hasPrefix("heed: left out: ") }, "\(all.stderr)")
    #expect(all.stderr.contains("left out: attend-and-excite: the prompt p3 of s: which words"))
    #expect(!all.stderr.contains("left out: stable-diffusion"))
    #expect(folder.names == ["s.jsonl"])
  }

  @Test("A prompt that is cut is told")
  func cut() throws {
    let folder = try folder()
    let words = Array(repeating: "very", count: 90).joined(separator: " ")
    let lines = Self.suite + #"{"id": "p3", "prompt": "a \#(words) big cat"}"#
    try folder.write("s.jsonl", lines.utf8)
    let result = try run(
      ["-o", "b", "--methods", "stable-diffusion", "--seeds", "0"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("1 of 3 prompts are longer than 77 tokens, as p3"))
  }

  @Test("A complete run whose picture is gone is named, with what to do")
  func withoutPicture() throws {
    let folder = try folder()
    let arguments = ["-o", "b", "--methods", "stable-diffusion"]
    let made = try run(arguments, in: folder)
    #expect(made.status == 0, "\(made.stderr)")
    let place = "b/runs/p2/stable-diffusion/seed-1"
    try folder.remove(place + "/image.png")
    let again = try run(arguments, in: folder)
    #expect(again.status == 66 && again.stderr.contains("1 of 4 complete runs lack their picture"))
    let score = ["benchmark", "score", "b", "--scorers", "clip"]
    expectRefusal(
      try HeedProcess.run(score, in: folder.path), 65,
      ["b: 1 of 4 complete runs lack their picture, as \(place)/image.png: remove"])
    let partial = try HeedProcess.run(score + ["--partial"], in: folder.path)
    #expect(partial.status == 0 && partial.stderr.contains("clip: 3 pictures"), "\(partial.stderr)")
    #expect(partial.stderr.contains("runs left out: 0 not complete, 1 without their picture"))
    try folder.remove(place)
    let remade = try run(arguments, in: folder)
    #expect(remade.status == 0 && remade.stderr.contains("1 of them made now"))
    let whole = try HeedProcess.run(score, in: folder.path)
    #expect(whole.status == 0, "\(whole.stderr)")
  }

  @Test("Parts of other methods and seeds that are copied together are one benchmark")
  func copied() throws {
    let folder = try folder()
    for (part, arguments) in [
      ("a", ["--methods", "attend-and-excite", "--seeds", "3", "--vary", "scale-factor=5"]),
      ("b", ["--methods", "stable-diffusion", "--seeds", "1"]),
    ] {
      let result = try run(["-o", part] + arguments, in: folder)
      #expect(result.status == 0, "\(result.stderr)")
    }
    // Before scoring writes the whole record, too.
    let study = try HeedProcess.run(
      ["study", "make", "all", "--methods", "jedi,tome", "--prompts", "1", "--seeds", "1"],
      in: folder.path, shell: "mkdir all; for i in a b; do cp -r $i/. all; done; exec \"$@\"")
    #expect(
      study.stderr.contains(
        "all has attend-and-excite, attend-and-excite+scale-factor-5, stable-diffusion"),
      "\(study.stderr)")
    let copied = try HeedProcess.run(
      ["benchmark", "score", "all", "--scorers", "clip"], in: folder.path)
    #expect(copied.status == 0 && copied.stderr.contains("clip: 6 pictures"), "\(copied.stderr)")
    let record = try BenchmarkRecord(path: folder.path + "/all/benchmark.json")
    let varied = "attend-and-excite+scale-factor-5"
    #expect(record.methods == ["stable-diffusion", "attend-and-excite", varied])
    #expect(
      record.titles == [
        "Stable Diffusion", "Attend-and-Excite", "Attend-and-Excite, scale-factor-5",
      ])
    #expect(record.seeds(of: "stable-diffusion") == [1] && record.seeds(of: varied) == [3])
  }

  @Test("The list names a command for each shard, which a shell reads back")
  func list() throws {
    let folder = try folder()
    let result = try run(["-o", "a b", "--list", "--shards", "3"], in: folder)
    let lines = result.stdout.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    for (index, line) in lines.enumerated() {
      #expect(line.contains("-o 'a b'") && line.hasSuffix(" --shard \(index)/3"))
      #expect(!line.contains("--list") && !line.contains("--shards"))
    }
    let made = try HeedProcess.run([], in: folder.path, shell: lines[1])
    #expect(made.status == 0, "\(made.stderr)")
    #expect(try run(["--list"], in: folder).stdout.split(separator: "\n").count == 8)
  }

  @Test(
    "A scheduler's signal ends it with 75, Ctrl-C with 130, and the same command resumes",
    arguments: [(SIGTERM, 75), (SIGUSR1, 75), (SIGINT, 130)] as [(Int32, Int32)])
  func signals(signal: Int32, status: Int32) throws {
    let folder = try folder()
    let arguments = ["benchmark", "run", "--suite", "s.jsonl", "--seeds", "0", "-o", "b"]
    let process = try HeedProcess(arguments, in: folder.path)
    let journal = folder.path + "/b/runs/p1/attend-and-excite/seed-0/calls.jsonl"
    // Not a task's sleep: with all threads of the tests at work it would take too long.
    for _ in 0..<30_000
    where (try? Data(contentsOf: URL(fileURLWithPath: journal)))?.isEmpty ?? true {
      usleep(1000)
    }
    process.send(signal)
    let result = process.wait()
    #expect(result.status == status, "\(result.stderr)")
    #expect(result.stderr.contains("interrupted; the same command resumes"))
    let again = try HeedProcess.run(arguments + ["--steps", "50"], in: folder.path)
    #expect(again.status == 0, "\(again.stderr)")
    #expect(again.stderr.contains("4 runs are complete"))
  }

  @Test("The part of a job array is told by the scheduler")
  func array() throws {
    let folder = try folder()
    let task = ["SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "4"]
    let bounds = [
      "SLURM_ARRAY_TASK_MAX": "7", "SLURM_ARRAY_TASK_STEP": "1", "SLURM_ARRAY_TASK_COUNT": "4",
    ]
    let result = try run(
      ["-o", "b"], in: folder, environment: task.merging(bounds) { $1 })
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("shard 1/4"))
    #expect(result.stderr.contains("2 runs are complete"))
    let untold = try run(["-o", "b"], in: folder, environment: ["HQ_TASK_ID": "2"])
    expectRefusal(untold, 64, ["HQ_TASK_ID", "give --shards N"])
  }

  @Test(
    "Wrong options are refused in one line",
    arguments: [
      (["--shard", "3/3"], "expected i/n"), (["--shards", "0"], "expected 1 to"),
      (["--shards", "2"], "name the part itself by --shard"),
      (["--suite", "nothing"], "suite"), (["--methods", "x"], "--methods is 'x'"),
      (["--methods", "stable-diffusion", "--ablations"], "--ablations are of attend-and-excite"),
      (["--vary", "nothing=1"], "names 'nothing'"),
    ])
  func refused(arguments: [String], words: String) throws {
    let folder = try folder()
    let result = try run(["-o", "b"] + arguments, in: folder)
    #expect(result.status != 0 && result.stderr.contains(words), "\(result.stderr)")
    #expect(result.messages.count == 1 && folder.names == ["s.jsonl"])
  }

  @Test("The paper's ablations are runs of their own")
  func ablations() throws {
    let folder = try folder()
    let result = try run(
      ["-o", "b", "--methods", "attend-and-excite", "--ablations", "--seeds", "0"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    let names = Set(
      try BenchmarkRecord(path: folder.path + "/b/benchmark.json").methods.map {
        $0.replacingOccurrences(of: "attend-and-excite", with: "")
      })
    #expect(
      names.isSuperset(of: [
        "", "+smooth-false", "+thresholds-none", "+max-iter-to-alter-5", "+max-iter-to-alter-50",
        "+attention-resolution-8x8",
      ]))
    #expect(names.contains { $0.hasPrefix("+scale-factor-") })
  }
}
