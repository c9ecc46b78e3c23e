import AttentionTrace
import Foundation
import Glibc
import PromptText
import RecordingProbe
import TestSupport
import Testing

@Suite("Run folder")
struct RunFolderTests {
  private func open(_ path: String, _ manifest: RunManifest) throws -> RunOpening {
    try RunWriter.open(RunFolder(path: path), for: manifest)
  }

  @Test(
    "A prompt that reads back from its folder's name keeps it; any other gets a hash",
    arguments: [
      ("a cat and a frog", "a-cat-and-a-frog"), ("cat", "cat"), ("a 2nd cat", "a-2nd-cat"),
      ("A cat, and a frog!", "a-cat-and-a-frog-#"), ("  cat", "cat-#"), ("a-cat", "a-cat-#"),
      ("猫とカエル", "prompt-#"), ("", "prompt-#"), ("../../etc/passwd", "etc-passwd-#"),
      ("naïve cat", "na-ve-cat-#"), ("cat\0frog", "cat-frog-#"), ("\u{1F431}", "prompt-#"),
    ])
  func slug(_ prompt: String, _ expected: String) {
    let slug = RunFolder.slug(prompt)
    if expected.hasSuffix("#") {
      #expect(slug.hasPrefix(expected.dropLast()))
      let hash = slug.dropFirst(expected.count - 1)
      #expect(hash.count == 8 && hash.allSatisfy { "0123456789abcdef".contains($0) })
    } else {
      #expect(slug == expected)
    }
  }

  @Test("Prompts that differ have folders that differ, short enough for any file system")
  func slugsDiffer() {
    var prompts = [
      "a cat", "A cat", "a  cat", "a cat ", " a cat", "a-cat", "a.cat", "猫", "犬", "", " ", "\n",
      "caf\u{E9}", "cafe\u{301}",
    ]
    prompts += (1...200).map { String(repeating: "a cat and ", count: $0) }
    prompts += (0..<500).map { String(repeating: "long ", count: 20) + "\($0)" }
    let slugs = prompts.map(RunFolder.slug)
    #expect(Set(slugs).count == prompts.count)
    #expect(slugs.allSatisfy { (1...69).contains($0.utf8.count) && !$0.hasPrefix("-") })
  }

  @Test("A run's place has its prompt, method and seed")
  func place() {
    let folder = RunFolder(
      root: "runs", prompt: "a cat and a frog", method: "attend-and-excite", seed: 0)
    #expect(folder.path == "runs/a-cat-and-a-frog/attend-and-excite/seed-0")
    #expect(folder.state == folder.path + "/state.safetensors")
  }

  @Test("A folder is made where there is none, resumed when cut off, and left alone when complete")
  func openings() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/deep/er/run"
    let run = SyntheticRun(plan: RecordingPlan(), steps: 2)
    guard case .fresh = try open(path, run.manifest) else {
      Issue.record("not fresh")
      return
    }
    try run.record(into: RunFolder(path: path), limit: 5)
    guard case .resumable(let writer) = try open(path, run.manifest) else {
      Issue.record("not resumable")
      return
    }
    #expect(writer.calls.count == 5)
    let error = #expect(throws: TraceError.self) { try open(path, run.manifest) }
    #expect(error?.isOfAnotherWriter == true)
    #expect(error?.description.contains("process \(getpid()) on ") == true)
    withExtendedLifetime(writer) {}
  }

  @Test("A complete run is reported, whatever its date, command line and version")
  func complete() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let run = SyntheticRun(plan: RecordingPlan(), steps: 1)
    try run.record(into: RunFolder(path: path))
    var again = run.manifest
    again.provenance.date = "2027-01-01T00:00:00Z"
    again.provenance.commandLine = ["compare"]
    again.provenance.version = "9.9.9"
    guard case .complete(let manifest) = try open(path, again) else {
      Issue.record("not complete")
      return
    }
    #expect(manifest.seconds == 1 && manifest.date == run.manifest.date)
  }

  @Test("Another run in the folder is refused by the first field that differs")
  func otherRun() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let manifest = SyntheticRun(plan: RecordingPlan(), steps: 1).manifest
    _ = try open(path, manifest)
    func refused(
      _ field: String, _ here: String, _ wanted: String, _ change: (inout RunManifest) -> Void
    ) {
      var other = manifest
      change(&other)
      let error = TraceError.otherRun(path: path, field: field, here: here, wanted: wanted)
      #expect(throws: error) { try open(path, other) }
    }
    refused("request.seed", "0", "18446744073709551615") { $0.request.seed = .max }
    refused("request.guidanceScale", "7.5", "7.25") { $0.request.guidanceScale = 7.25 }
    refused("request.method.knobs.scale-factor", "\"20\"", "\"21\"") {
      $0.request.method.knobs["scale-factor"] = "21"
    }
    refused("request.method.knobs.smooth", "nothing", "\"on\"") {
      $0.request.method.knobs["smooth"] = "on"
    }
    refused("request.recording", "{branches, layers, phases, precision}", "nothing") {
      $0.request.recording = nil
    }
    refused("request.recording.phases.0", "\"denoise\"", "\"loss\"") {
      $0.request.recording?.phases = [.loss]
    }
    refused("subjects.1.name", "\"frog\"", "\"dog\"") {
      $0.subjects[1] = Subject(name: "dog", tokens: [5])
    }
    refused("method.thresholds.10", "0.8", "nothing") { $0.method.thresholds = [0: 0.5] }
  }

  @Test("An unfinished run goes on with the kernels that it began with, and with no others")
  func instructionSet() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    func manifest(_ set: String?) -> RunManifest {
      var manifest = SyntheticRun(plan: RecordingPlan(), steps: 1).manifest
      manifest.provenance.instructionSet = set
      return manifest
    }
    _ = try open(path, manifest("avx2"))
    let error = TraceError.otherInstructionSet(path: path, here: "avx2", wanted: "avx512")
    #expect(throws: error) { try open(path, manifest("avx512")) }
    #expect(error.description.contains("HEED_ISA=avx2"))
    for same in ["avx2", nil] {
      guard case .resumable(let writer) = try open(path, manifest(same)) else {
        Issue.record("not resumable")
        return
      }
      #expect(writer.manifest.provenance.instructionSet == "avx2")
    }
  }

  @Test("A folder that holds something else, or cannot be made, is refused and left as it is")
  func notARun() throws {
    let folder = try TemporaryFolder()
    let manifest = SyntheticRun(plan: nil, steps: 1).manifest
    try overwrite(folder.path + "/thesis.txt", [65])
    #expect(throws: TraceError.notARun(path: folder.path)) { try open(folder.path, manifest) }
    #expect(try TemporaryFolder.contents(folder.path).keys.sorted() == ["thesis.txt"])
    let file = folder.path + "/thesis.txt/run"
    #expect(throws: TraceError.system(action: "create", path: file, code: 20)) {
      try open(file, manifest)
    }
    #expect(throws: TraceError.self) { try open("/proc/run", manifest) }
  }

  @Test("Losses are a table that any spreadsheet reads")
  func losses() {
    func call(_ call: Int, _ loss: Float?, _ scores: [Float]) -> CallRecord {
      CallRecord(
        call: call, step: 3, timestep: 941.5, branch: .conditional, phase: .refinement, attempt: 2,
        measurement: loss.map { PassMeasurement(loss: $0, scores: scores) }, checksums: [:])
    }
    let table = LossTable(
      calls: [call(0, 0.1, [1e-7, 1]), call(1, nil, []), call(2, .nan, [.infinity, 0.25])],
      subjects: [
        Subject(name: "cat", tokens: [2]), Subject(name: "a \"frog\", green", tokens: [5]),
      ])
    #expect(
      table.csv == "call,step,timestep,phase,attempt,branch,loss,cat,\"a \"\"frog\"\", green\"\r\n"
        + "0,3,941.5,refinement,2,conditional,0.1,1e-07,1\r\n"
        + "2,3,941.5,refinement,2,conditional,NaN,inf,0.25\r\n")
  }
}
