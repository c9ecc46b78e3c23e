import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

@Suite("Damaged runs")
struct RunDamageTests {
  private let folder: TemporaryFolder
  private let run: RunFolder

  init() throws {
    folder = try TemporaryFolder()
    run = RunFolder(path: folder.path + "/run")
    try SyntheticRun.complete(steps: 2).record(into: run)
  }

  /// Every number of the run, and its calls; an error where something is damaged.
  private func content() throws -> [String] {
    let read = try RecordedRun(run.path)
    let maps = try read.calls.indices.flatMap { call in
      try read.sites.map { site in
        "\(site.site.path) \(call): \(try read.maps(site.site.path, call: call)?.values ?? [])"
      }
    }
    return ["\(read.manifest)", "\(read.calls)"] + maps
  }

  // Of a store's description every length would take half a minute.
  @Test(
    "A description that is cut off anywhere is refused with its name",
    arguments: [("run.json", 1), ("attention.zarr/zarr.json", 31)])
  func truncation(_ name: String, _ step: Int) throws {
    let path = run.path + "/" + name
    let whole = try bytes(path)
    let expected = try content()
    // What stands behind the last brace is white space.
    let end = try #require(whole.lastIndex(of: UInt8(ascii: "}")))
    var refused = 0
    let lengths = Array(stride(from: 0, to: whole.count, by: step))
    for length in lengths {
      try overwrite(path, whole.prefix(length))
      do {
        let same = try content() == expected
        #expect(length > end && same)
      } catch let error as TraceError {
        refused += error.description.contains(path) ? 1 : 0
      }
    }
    #expect(refused == lengths.count { $0 <= end })
    print("bad inputs tried: \(lengths.count) generated (\(name), cut off)")
  }

  @Test("An index of a shard with a bit flipped is refused with the shard's name")
  func flippedBits() throws {
    guard case .done = try RunPack(run.path).pack() else {
      Issue.record("not packed")
      return
    }
    let site = try #require(try RecordedRun(run.path).sites.first).site.path
    let shard = try #require(
      try FileManager.default.contentsOfDirectory(atPath: run.store + "/" + site)
        .first { $0 != "zarr.json" })
    let path = "\(run.store)/\(site)/\(shard)"
    let whole = try bytes(path)
    // 16 bytes for each call, and their checksum.
    let first = whole.count - 16 * (try RecordedRun(run.path).calls.count) - 4
    var refused = 0
    for place in first..<whole.count {
      for bit in 0..<8 {
        var damaged = whole
        damaged[place] ^= 1 << bit
        try overwrite(path, damaged)
        do { _ = try RecordedRun(run.path).maps(site, call: 0) } catch let error as TraceError {
          refused += error.description.contains(path) ? 1 : 0
        }
      }
    }
    #expect(refused == 8 * (whole.count - first))
    print("bad inputs tried: \(refused) generated (a shard's index, a bit flipped)")
  }

  @Test(
    "What a run's folder leads to by a link is not read",
    arguments: [
      "run.json", "calls.jsonl", "attention.zarr", "attention.zarr/zarr.json", "image.png",
      "latent.npy", "losses.csv",
    ])
  func links(_ name: String) throws {
    let (path, elsewhere) = (run.path + "/" + name, folder.path + "/elsewhere")
    // A synthetic run has neither picture nor latent.
    if FileManager.default.fileExists(atPath: path) {
      try FileManager.default.moveItem(atPath: path, toPath: elsewhere)
    } else {
      try overwrite(elsewhere, [1])
    }
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: elsewhere)
    let problems = try RunCheck(run.path).problems
    #expect(problems.contains { $0.file == path && $0.reason.contains("symbolic link") })
    if name.hasSuffix("json") || name.hasSuffix("jsonl") || name.hasSuffix("zarr") {
      let error = #expect(throws: TraceError.self) { try RecordedRun(run.path) }
      #expect(error?.description.contains(path) ?? false)
    }
  }

  @Test("A run's folder itself may be reached by a link")
  func linkedFolder() throws {
    let link = folder.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: run.path)
    #expect(try RecordedRun(link).calls.count == RecordedRun(run.path).calls.count)
    #expect(
      try RunCheck(link).problems.map(\.reason) == RunCheck(run.path).problems.map(\.reason))
  }
}
