import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

/// Random stores that Heed writes for zarr and xarray, and that zarr writes for Heed.
@Suite(
  "Stores exchanged with zarr and xarray",
  .enabled(if: ReaderPython.path != nil, "make readers installs them"))
struct StoreExchangeTests {
  /// So many runs hold 2,000 arrays and more.
  private static let runs = 150

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ run: Int) -> String { folder.path + "/runs/\(run)" }

  /// A run of one step or two, with layers of any sizes, of which the plan keeps all or a part.
  private static func random(_ number: Int) -> SyntheticRun {
    var random = SeededNumbers(seed: UInt64(number))
    func next(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let sites = (0..<next(3...6)).map { index in
      let grid = Grid(rows: next(1...4), columns: next(1...4))
      let heads = next(1...3)
      // The first is a self-attention, whose keys are its pixels.
      return AttentionSite(
        path: "blocks.\(index).attn\(index == 0 ? 1 : 2)", kind: index == 0 ? .`self` : .cross,
        heads: heads, grid: grid, keys: index == 0 ? grid.pixels : 7, width: 4 * heads)
    }
    let plan = RecordingPlan(
      layers: ["*", "*attn1"], heads: next(0...1) == 0 ? nil : [0],
      tokens: next(0...1) == 0 ? nil : [1, 5],
      branches: next(0...1) == 0 ? [.conditional] : [.conditional, .unconditional],
      phases: next(0...1) == 0 ? [.denoise] : [.loss, .refinement, .denoise],
      precision: next(0...1) == 0 ? .float16 : .float32, queries: next(0...1) == 0 ? [] : ["*"])
    return SyntheticRun(sites: sites, plan: plan, steps: next(1...2))
  }

  /// The values of each layer of a run as Heed reads them, `[call, ...]`, NaN where there are none.
  private func values(_ run: Int) throws -> [String: Tensor] {
    let read = try RecordedRun(path(run))
    var values: [String: Tensor] = [:]
    for site in read.sites {
      let all = try read.calls.indices.flatMap { call in
        try read.maps(site.site.path, call: call)?.values
          ?? [Float](repeating: .nan, count: site.shape.reduce(1, *))
      }
      values[site.site.path] = Tensor(all, shape: [read.calls.count] + site.shape)
    }
    return values
  }

  private func python(_ action: String) throws -> Int {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: ReaderPython.path ?? "/usr/bin/python3")
    let script =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
      + "/Fixtures/exchange_stores.py"
    process.arguments = [script, action, folder.path + "/runs"]
    process.standardOutput = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return Int(String(decoding: said, as: UTF8.self).trimmingCharacters(in: .newlines)) ?? 0
  }

  @Test("zarr and xarray read what Heed records, and Heed reads what zarr writes in its place")
  func exchange() throws {
    for run in 0..<Self.runs {
      try Self.random(run).record(into: RunFolder(path: path(run)))
      try FileManager.default.createDirectory(
        atPath: path(run) + ".values", withIntermediateDirectories: true)
      for (layer, values) in try values(run) {
        try NumpyFile.write(values, to: path(run) + ".values/\(layer).npy")
      }
    }
    let (checked, written) = (try python("check"), try python("write"))
    #expect(checked >= 2000 && written >= 2000)
    print("stores exchanged: \(checked) arrays read by zarr, \(written) chunks written by it")
    for run in 0..<Self.runs {
      for (layer, values) in try values(run) {
        let expected = try NumpyFile(path: path(run) + ".values/\(layer).npy").tensor()
        #expect(values.shape == expected.shape)
        let isSame = zip(values.values, expected.values).allSatisfy {
          $0 == $1 || $0.isNaN && $1.isNaN
        }
        #expect(isSame, "\(run) \(layer)")
      }
    }
  }
}
