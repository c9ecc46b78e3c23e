import AttentionAnalysis
import AttentionExport
import AttentionTrace
import Foundation
import RecordingProbe
import Synchronization
import TensorEngine
import TestSupport
import Testing

/// Exports of synthetic runs, against the formula that these were made by.
@Suite("Exports")
struct ExportTests {
  private static let cross = SyntheticRun.smallSites[1]
  private static let everything = RecordingPlan(
    layers: ["*", "*attn1"], branches: Set(Branch.allCases), phases: Set(Phase.allCases),
    precision: .float32)

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func recorded(
    _ name: String, plan: RecordingPlan = everything, sites: [AttentionSite]? = nil,
    steps: Int = 3, limit: Int? = nil
  ) throws -> RecordedRun {
    let run = SyntheticRun(sites: sites ?? SyntheticRun.smallSites, plan: plan, steps: steps)
    try run.record(into: RunFolder(path: folder.path + "/" + name), limit: limit)
    return try RecordedRun(folder.path + "/" + name)
  }

  @discardableResult
  private func export(
    _ runs: [RecordedRun], _ request: ExportRequest = ExportRequest(), to name: String = "out",
    overwriting: Bool = false
  ) throws -> Export.Summary {
    try Export(runs, request, version: "1.2.3")
      .write(to: folder.path + "/" + name, overwriting: overwriting)
  }

  private func array(_ layer: String, in name: String = "out") throws -> Tensor {
    try NumpyFile(path: "\(folder.path)/\(name)/arrays/\(layer).npy").tensor()
  }

  private func numbers(_ tensor: Tensor) -> [Float] {
    tensor.withPointer { Array(UnsafeBufferPointer(start: $0, count: tensor.count)) }
  }

  /// What the formula gives for some calls, heads and tokens, in memory order.
  private func formula(calls: [Int], heads: [Int], keys: [Int], of site: AttentionSite) -> [Float] {
    let run = SyntheticRun(plan: nil, steps: 3)
    return calls.flatMap { call in
      let maps = run.maps(site, call: call)
      return heads.flatMap { head in
        (0..<site.grid.pixels).flatMap { pixel in
          keys.map { maps[(head * site.grid.pixels + pixel) * site.keys + $0] }
        }
      }
    }
  }

  @Test("Without a selection every layer is there as it was recorded, self-attention too")
  func whole() throws {
    let run = try recorded("run")
    let summary = try export([run])
    #expect(summary.arrays == 3)
    #expect(summary.missing == 0)
    for site in SyntheticRun.smallSites {
      let array = try array(site.path)
      let calls = Array(0..<run.calls.count)
      #expect(
        array.shape == [calls.count, site.heads, site.grid.rows, site.grid.columns, site.keys])
      #expect(
        numbers(array)
          == formula(
            calls: calls, heads: Array(0..<site.heads), keys: Array(0..<site.keys), of: site))
    }
    #expect(try ExportVerification(of: folder.path + "/out").isSound)
  }

  @Test("A selection takes those calls, heads and tokens, in order")
  func selection() throws {
    let run = try recorded("run")
    let selection = RecordingSelection(
      layers: ["down*attn2"], heads: [1], tokens: [0, 3, 6], steps: 1...2,
      branches: [.conditional], phases: [.denoise, .loss])
    try export([run], ExportRequest(selection: selection))
    let calls = run.calls.filter {
      (1...2).contains($0.step) && $0.branch == .conditional
    }.map(\.call)
    let array = try array(Self.cross.path)
    #expect(array.shape == [4, 1, 2, 3, 3])
    #expect(
      numbers(array) == formula(calls: calls, heads: [1], keys: [0, 3, 6], of: Self.cross))
  }

  @Test(
    "A selection that takes nothing says what there is",
    arguments: [
      (RecordingSelection(layers: ["up*"]), "layers 'up*'"),
      (RecordingSelection(layers: ["mid*", "nosuch"]), "layers 'nosuch'"),
      (RecordingSelection(heads: [0, 3]), "head 3"),
      (RecordingSelection(tokens: [7]), "token 7"),
      (RecordingSelection(steps: 1...3), "steps 1..3"),
      (RecordingSelection(steps: 1...1, phases: [.refinement]), "a selected call"),
    ])
  func nothing(_ selection: RecordingSelection, _ what: String) throws {
    let run = try recorded("run")
    let error = #expect(throws: AnalysisError.self) {
      try export([run], ExportRequest(selection: selection))
    }
    guard case .nothingSelected(_, let got, let there) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(got == what)
    #expect(!there.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
  }

  @Test("Several runs stand along one axis")
  func runs() throws {
    let runs = [try recorded("a"), try recorded("b")]
    try export(runs)
    let array = try array(Self.cross.path)
    let calls = Array(0..<runs[0].calls.count)
    #expect(array.shape == [2, calls.count, 2, 2, 3, 7])
    let one = formula(calls: calls, heads: [0, 1], keys: Array(0..<7), of: Self.cross)
    #expect(numbers(array) == one + one)
  }

  @Test("Runs of different lengths line up where both have the steps, and nowhere else")
  func lengths() throws {
    let runs = [try recorded("a", steps: 2), try recorded("b", steps: 3)]
    let error = #expect(throws: AnalysisError.self) { try export(runs) }
    #expect(error?.description.contains("differ: 8 of the first and 11") == true)
    try export(runs, ExportRequest(selection: RecordingSelection(steps: 0...1)))
    #expect(try array(Self.cross.path).shape == [2, 8, 2, 2, 3, 7])
  }

  @Test("Runs that were recorded differently are told apart by what differs")
  func differences() throws {
    let first = try recorded("first")
    var plan = Self.everything
    plan.heads = [0]
    let planned = try recorded("planned", plan: plan)
    var sites = SyntheticRun.smallSites
    sites[1] = AttentionSite(
      path: sites[1].path, kind: .cross, heads: 2, grid: Grid(rows: 3, columns: 3), keys: 7)
    let larger = try recorded("larger", sites: sites)
    for (other, words) in [(planned, "different plans, heads all and 0"), (larger, "2x3 and 3x3")] {
      let error = #expect(throws: AnalysisError.self) { try export([first, other]) }
      #expect(error?.description.contains(words) == true, "\(String(describing: error))")
      #expect(error?.description.contains(other.folder.path) == true)
    }
  }

  @Test("A run that is cut off gives what was acknowledged")
  func cutOff() throws {
    let run = try recorded("run", limit: 6)
    #expect(run.manifest.status == .running)
    try export([run])
    #expect(try array(Self.cross.path).shape[0] == run.calls.count)
  }

  @Test("A chunk that is gone is NaN and counted", arguments: [ExportFormat.npy, .zarr2])
  func gone(_ format: ExportFormat) throws {
    let run = try recorded("run")
    try FileManager.default.removeItem(
      atPath: "\(run.folder.store)/\(Self.cross.path)/c.2.0.0.0.0")
    let summary = try export([run], ExportRequest(formats: [format]))
    #expect(summary.missing == 1)
    guard format == .npy else {
      let chunks = folder.path + "/out/arrays/arrays.v2.zarr/\(Self.cross.path)/"
      #expect(!FileManager.default.fileExists(atPath: chunks + "2.0.0.0.0"))
      #expect(FileManager.default.fileExists(atPath: chunks + "3.0.0.0.0"))
      return
    }
    let values = numbers(try array(Self.cross.path))
    let block = 2 * 6 * 7
    #expect(values.indices.allSatisfy { values[$0].isNaN == ($0 / block == 2) })
  }

  @Test("A chunk that is gone is NaN in a timeline, and passed over in a mean")
  func goneInRecipe() throws {
    let run = try recorded("run")
    let lost = try #require(run.noisePredictions.dropFirst().first)
    try FileManager.default.removeItem(
      atPath: "\(run.folder.store)/\(Self.cross.path)/c.\(lost.call).0.0.0.0")
    let recipe = try Recipe(parsing: "mean(head) mean(layer: 2x3) mean(step)")
    var request = ExportRequest(recipe: recipe, eachStep: true)
    #expect(try export([run], request, to: "each").missing == 1)
    let values = numbers(try array("maps", in: "each"))
    #expect(values.indices.allSatisfy { values[$0].isNaN == ($0 / 42 == 1) })
    request.eachStep = false
    #expect(try export([run], request, to: "mean").missing == 1)
    let mean = numbers(try array("maps", in: "mean"))
    for index in mean.indices {
      #expect(abs(mean[index] - (values[index] + values[84 + index]) / 2) < 1e-6)
    }
  }

  @Test("A recipe sees no more than the selection")
  func recipeWithin() throws {
    let run = try recorded("run")
    let selection = RecordingSelection(heads: [1], tokens: [2, 5], steps: 1...2)
    let recipe = try Recipe(parsing: "mean(head) mean(layer: 2x3) mean(step)")
    try export([run], ExportRequest(selection: selection, recipe: recipe))
    let calls = run.noisePredictions.filter { $0.step > 0 }.map(\.call)
    let parts = calls.map { formula(calls: [$0], heads: [1], keys: [2, 5], of: Self.cross) }
    let array = try array("maps")
    #expect(array.shape == [2, 3, 2])
    for (index, value) in numbers(array).enumerated() {
      #expect(abs(value - (parts[0][index] + parts[1][index]) / 2) < 1e-6)
    }
  }

  @Test("The same runs give the same bytes, in every format")
  func deterministic() throws {
    let run = try recorded("run")
    let request = ExportRequest(formats: ExportFormat.allCases)
    try export([run], request, to: "a")
    try export([run], request, to: "deeper/b")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/a").sorted()
    #expect(
      try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/deeper/b").sorted()
        == names)
    for name in names {
      #expect(
        FileManager.default.contentsEqual(
          atPath: "\(folder.path)/a/\(name)", andPath: "\(folder.path)/deeper/b/\(name)"), "\(name)"
      )
    }
  }

  @Test("An export that is stopped leaves nothing", arguments: [0, 3, 40])
  func stopped(_ pieces: Int) throws {
    struct Stop: Error {}
    let run = try recorded("run")
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let count = Mutex(0)
    #expect(throws: Stop.self) {
      try Export([run], ExportRequest(formats: [.npy, .npz, .zarr]), version: "1")
        .write(to: folder.path + "/out") {
          let written = count.withLock { count in
            count += 1
            return count
          }
          if written > pieces { throw Stop() }
        }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
  }

  @Test("Only an earlier export to which nothing was added is overwritten")
  func overwriting() throws {
    let run = try recorded("run")
    try export([run])
    let request = ExportRequest(formats: [.safetensors])
    #expect(throws: FileError.self) { try export([run], request) }
    try export([run], request, overwriting: true)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out/arrays")
        == ["arrays.safetensors"])
    try Data().write(to: URL(fileURLWithPath: folder.path + "/out/notes.txt"))
    let error = #expect(throws: FileError.self) { try export([run], overwriting: true) }
    #expect(error?.reason.contains("notes.txt") == true)
    let other = #expect(throws: FileError.self) {
      try export([run], to: "run", overwriting: true)
    }
    #expect(other?.reason.contains("not an earlier export") == true)
    #expect(FileManager.default.fileExists(atPath: run.folder.manifest))
  }
}
