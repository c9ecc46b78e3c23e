import Foundation
import Heed
import Testing

/// The library as a package that depends on it sees it: one import, public declarations only.
@Suite("The library in fifteen lines")
struct FifteenLinesTests {
  @Test("The lines make a run, measure a map of it and draw a sheet")
  func lines() throws {
    let folder = try Folder()
    let (runs, sheet) = (folder.path + "/runs", folder.path + "/cat.pdf")
    let model = try StableDiffusion(.bundled)
    var request = RunRequest("a cat and a frog", seed: 1, method: AttendAndExcite())
    request.recording = RecordingPlan(layers: ["16x16"])
    request.steps = 6
    var losses: [Float] = []
    let run = try Runner(model).run(request, in: runs) {
      print($0.index, $0.measurement?.loss ?? 0)
      losses.append($0.measurement?.loss ?? .nan)
    }
    let peak = try run.map(of: "cat", by: "mean(layer: 16x16)").peak
    try Sheet(.tokens, of: [run]).write(to: sheet)
    #expect(losses.count == 6 && losses.allSatisfy(\.isFinite))
    #expect(peak.value > 0 && peak.value <= 1 && peak.row < 16 && peak.column < 16)
    #expect(try Data(contentsOf: URL(fileURLWithPath: sheet)).starts(with: Data("%PDF".utf8)))
    #expect(try RunCheck(run.folder.path).problems.isEmpty)
  }

  @Test("The README has the lines that a test compiles")
  func readme() throws {
    let readme = try Page("README.md")
    for line in [
      "import Heed", "let model = try StableDiffusion(.bundled)",
      "var request = RunRequest(\"a cat and a frog\", seed: 1, method: AttendAndExcite())",
      "request.recording = RecordingPlan(layers: [\"16x16\"])",
      "let run = try Runner(model).run(request, in: \"runs\") { print($0.index, $0.measurement?.loss ?? 0) }",
      "print(try run.map(of: \"cat\", by: \"mean(layer: 16x16)\").peak)",
      "try Sheet(.tokens, of: [run]).write(to: \"cat.pdf\")",
    ] {
      #expect(readme.text.contains(line + "\n"), "\(line)")
    }
  }

  @Test("Maps are aggregated in memory as they are from a folder")
  func memory() throws {
    let folder = try Folder()
    let model = try StableDiffusion(.bundled)
    var request = RunRequest("a cat and a frog", seed: 2)
    request.recording = RecordingPlan(layers: ["16x16"], precision: .float32)
    request.steps = 4
    let planned = try model.plan(request)
    let recorder = try planned.memoryRecorder()
    var sequence = try planned.sequence(observers: [recorder])
    while try sequence.next() != nil {}
    let kept = recorder.recording
    let run = try Runner(model).run(request, in: folder.path)
    for recipe in ["mean(layer: 16x16)", "mean(head) max(layer: 16x16) mean(step: 1..2)"] {
      let (here, there) = (
        try kept.map(of: "frog", by: recipe), try run.map(of: "frog", by: recipe)
      )
      #expect(here.values == there.values && here.peak == there.peak)
    }
  }

  @Test("A run that is stopped resumes to the same picture, whoever stopped it")
  func resumed() throws {
    struct Stop: Error {}
    let folder = try Folder()
    let model = try StableDiffusion(.bundled)
    var request = RunRequest("a cat and a frog", seed: 3, method: KeepApart())
    request.steps = 6
    #expect(throws: Stop.self) {
      try Runner(model).run(request, in: folder.path + "/cut") { if $0.index == 2 { throw Stop() } }
    }
    var made: [Int] = []
    let resumed = try Runner(model).run(request, in: folder.path + "/cut") { made.append($0.index) }
    let whole = try Runner(model).run(request, in: folder.path + "/whole")
    #expect(made.first == 2 || made.first == 3)
    #expect(try RunCheck(resumed.folder.path).problems.isEmpty)
    #expect(try Picture.read(resumed.folder.image) == Picture.read(whole.folder.image))
    // Nothing is made again.
    try Runner(model).run(request, in: folder.path + "/cut") { _ in Issue.record("made again") }
  }

  @Test("What a user gives to the library throws, and never ends the process")
  func refused() throws {
    let folder = try Folder()
    let model = try StableDiffusion(.bundled)
    func refuses(_ change: (inout RunRequest) -> Void) {
      var request = RunRequest("a cat and a frog", seed: 1)
      request.steps = 2
      change(&request)
      #expect(throws: (any Error).self) { try Runner(model).run(request, in: folder.path) }
    }
    refuses { $0.steps = 0 }
    refuses { $0.guidanceScale = .nan }
    refuses { $0.scheduler = "none" }
    refuses { $0.subjects = ["dog"] }
    refuses { $0.subjects = [""] }
    refuses { $0.size = ImageSize(width: 7, height: -1) }
    refuses { $0.grid = Grid(rows: 0, columns: 16) }
    refuses { $0.recording = RecordingPlan(layers: ["9x9"]) }
    refuses { $0.recording = RecordingPlan(layers: []) }
    refuses { $0.recording = RecordingPlan(layers: ["16x16"], tokens: [900]) }
    refuses { $0.recording = RecordingPlan(layers: ["16x16"], steps: 1...99) }
    refuses {
      $0.rng = .numpy
      $0.seed = .max
    }
    refuses { $0.method = PictureExplanation(times: []) }
    refuses { $0.ablation = AblationRecord(drop: ["dog"]) }
    refuses { $0.ablation = AblationRecord(damp: ["16x16.99"]) }
    refuses {
      var method = AttendAndExcite()
      method.schedule.scaleRange = []
      $0.method = method
    }
    #expect(throws: (any Error).self) { try RecordedRun(folder.path).map(of: "cat", by: "mean(") }
    #expect(throws: (any Error).self) {
      try Sheet(.tokens, of: []).write(to: folder.path + "/a.pdf")
    }
    #expect(throws: (any Error).self) { try Checkpoint(folder.path) }
  }
}
