import Foundation
import PromptText

@testable import AttentionAnalysis
@testable import AttentionTrace

/// A file of a recorded run, in whose place the input stands.
struct RunInput {
  private let path: String
  private let file: String
  /// How many chunks its index has, if it is a shard.
  private let chunks: Int?

  static let manifest = RunInput("run.json")
  static let journal = RunInput("calls.jsonl")
  static let store = RunInput("attention.zarr/zarr.json")
  static let packedStore = RunInput("attention.zarr/zarr.json", isPacked: true)
  static let shard = RunInput(
    "attention.zarr/mid_block.attentions.0.transformer_blocks.0.attn2/0.0.0.0.0", isPacked: true)

  private init(_ name: String, isPacked: Bool = false) {
    path = ScratchFolder("run").path
    file = path + "/" + name
    do {
      try SyntheticRun.complete(steps: 1).record(into: RunFolder(path: path))
      if isPacked { _ = try RunPack(path).pack() }
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      chunks =
        name.hasSuffix(".0")
        ? try RecordedRun(path).chunks["mid_block.attentions.0.transformer_blocks.0.attn2"]?
          .shardCount : nil
      // What `run.sh` takes for a seed.
      if let seed = getenv("HEED_SEED") {
        try Data(bytes).write(to: URL(fileURLWithPath: String(cString: seed)))
      }
    } catch { fatalError("\(error)") }
  }

  func read(_ input: [UInt8]) throws {
    try Data(chunks.map { Self.summed(input, chunks: $0) } ?? input)
      .write(to: URL(fileURLWithPath: file))
    _ = try RunCheck(path)
    let run = try RecordedRun(path)
    for site in run.sites {
      for call in run.calls.suffix(2) { _ = try run.maps(site.site.path, call: call.call) }
    }
    for site in run.queriedSites { _ = try run.queries(site.path, call: 0) }
    _ = run.losses
    try measure(run)
  }

  /// What commands say of a run by others, by its maps and by what it measured itself.
  private func measure(_ run: RecordedRun) throws {
    _ = try? RunListing(path).text(columns: 80)
    _ = (try? NeglectReport(run)).map { NeglectReport.table(of: [$0]) }
    _ = NeglectReport.measuredVerdicts(run)
    let words = run.manifest.subjects
    let measurement = try RunMeasurement(
      by: Recipe(parsing: "mean(layer: *.attn2)"), keeping: [.layer, .head, .step])
    _ = try? measurement.overlap(run, of: words)
    _ = try? measurement.spectrum(run, of: words)
    _ = try? measurement.convergence(run, of: words)
    _ = try measurement.statistics(run, of: words)
  }

  /// A shard whose index has the checksum that it should have: no search finds it.
  private static func summed(_ input: [UInt8], chunks: Int) -> [UInt8] {
    let size = ShardIndex.size(of: chunks)
    guard input.count >= size else { return input }
    let index = input[(input.count - size)..<(input.count - 4)]
    let checksum = Array(index).withUnsafeBytes { crc32c($0) }
    return input.dropLast(4) + withUnsafeBytes(of: checksum.littleEndian) { Array($0) }
  }
}
