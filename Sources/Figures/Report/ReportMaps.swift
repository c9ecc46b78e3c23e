import AttentionAnalysis
import AttentionTrace
internal import Drawing
internal import Foundation
internal import TensorEngine

/// Maps of one layer of a run for one branch, as a report keeps them.
///
/// They are float16, and NaN where nothing was recorded. A picture has one frame; where heads were reduced when they were recorded, there is none by
/// itself.
struct ReportMaps {
  /// `[step, frame, token, row, column]` means over the recorded heads.
  private(set) var steps: [Float]
  /// `[head, step, frame, token, row, column]`, of the steps for which the plan keeps single heads.
  private(set) var heads: [Float]
  /// `[mean | head…, frame, token, row, column]` means over all recorded steps: of the mean over heads,
  /// then of each head.
  let means: [Float]

  /// Reads the denoising calls of a layer once, in their order.
  /// - Throws: `TraceError` when a chunk is damaged; one that is missing leaves NaN.
  init(
    _ recording: ReportRecording, _ site: RecordedSite, _ branch: Branch, _ plan: ReportPlan.Kept
  ) throws {
    let run = recording.run
    let columns = recording.tokens.compactMap { (site.tokens ?? []).firstIndex(of: $0) }
    let size = (site.site.frames ?? 1) * columns.count * site.grid.pixels
    let single = site.singleHeads.count
    let gone = run.missing(site)
    steps = [Float](repeating: .nan, count: plan.steps.count * size)
    heads = [Float](
      repeating: .nan, count: single * plan.headSteps.count * size)
    var sums = [Double](repeating: 0, count: (single + 1) * size)
    var count = 0
    for call in run.calls where call.phase == .denoise && call.branch == branch {
      guard !gone.contains(call.call), let chunk = try run.chunk(site, in: call) else { continue }
      count += 1
      let maps = Self.byHead(chunk.values, site, columns)
      for place in sums.indices { sums[place] += Double(maps[place]) }
      if let step = plan.steps.firstIndex(of: call.step) {
        steps.replaceSubrange(step * size..<(step + 1) * size, with: maps[..<size])
      }
      guard let step = plan.headSteps.firstIndex(of: call.step) else { continue }
      for head in 0..<single {
        let target = (head * plan.headSteps.count + step) * size
        heads.replaceSubrange(
          target..<target + size, with: maps[(head + 1) * size..<(head + 2) * size])
      }
    }
    means = sums.map { count == 0 ? .nan : Float($0 / Double(count)) }
  }

  /// `[mean | head…, frame, token, row, column]` of a chunk, in the site's shape.
  private static func byHead(
    _ values: [Float], _ site: RecordedSite, _ columns: [Int]
  ) -> [Float] {
    let (cells, width, heads) = (site.grid.pixels, site.columns, site.headIndices.count)
    let frames = site.site.frames ?? 1
    let single = site.singleHeads.count
    let size = frames * columns.count * cells
    var result = [Float](repeating: 0, count: (single + 1) * size)
    for frame in 0..<frames {
      for (token, column) in columns.enumerated() {
        for cell in 0..<cells {
          var sum = 0.0
          let place = (frame * columns.count + token) * cells + cell
          for head in 0..<heads {
            let value = values[((head * frames + frame) * cells + cell) * width + column]
            sum += Double(value)
            if head < single { result[(head + 1) * size + place] = value }
          }
          result[place] = Float(sum / Double(heads))
        }
      }
    }
    return result
  }

  /// Numbers as float16, little-endian, in base64.
  static func base64(_ values: [Float]) -> String {
    var bytes = Data(capacity: values.count * 2)
    for value in values {
      let bits = Float16(value).bitPattern
      bytes.append(UInt8(truncatingIfNeeded: bits))
      bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
    }
    return bytes.base64EncodedString()
  }
}
