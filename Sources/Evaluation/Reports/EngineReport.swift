internal import AttentionAnalysis
internal import AttentionTrace
package import Diffusion
private import Foundation
internal import TensorEngine

/// The engine's speed in words and numbers.
package struct EngineReport: Encodable {
  let model: String
  /// What the weights are: `its own`, `random float32` or `random float16`.
  let weights: String
  let threads = Parallel.threads
  let passes: [EngineMeasurement]
  let image: EngineImage?

  /// A report of measured passes, and of a picture made or estimated from them.
  package init(model: String, weights: String, passes: [EngineMeasurement], image: EngineImage?) {
    (self.model, self.weights, self.passes, self.image) = (model, weights, passes, image)
  }

  private enum CodingKeys: String, CodingKey { case model, weights, threads, passes, image }

  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  package func text() -> String {
    let heading = "\(model), \(weights) weights, threads: \(threads)"
    let detailed = passes.filter { [.unet, .lossBackward].contains($0.pass) }
    return ([heading, passTable] + detailed.map(shareTable)).joined(separator: "\n\n")
  }

  private var passTable: String {
    let titles = ["pass", "seconds", "GFLOP", "GFLOP/s", "sgemm", "share", "peak memory"]
    var rows = passes.map { row($0.pass.title, $0.speed, $0.peakMemory) }
    if let image { rows.append(row(image.title, image.speed, image.peakMemory)) }
    return AlignedColumns([titles] + rows, leftAligned: [0]).text
  }

  private func row(_ name: String, _ speed: EngineSpeed, _ peak: Int?) -> [String] {
    [
      name, seconds(speed.seconds), String(format: "%.1f", speed.gigaflop),
      String(format: "%.1f", speed.speed), String(format: "%.1f", speed.sgemm),
      percent(speed.shareOfSgemm), peak.map(formatBytes) ?? "-",
    ]
  }

  private func shareTable(_ measurement: EngineMeasurement) -> String {
    let all = measurement.shares.map(\.seconds).reduce(0, +)
    let rows = measurement.shares.map { share in
      [
        share.kind, seconds(share.seconds), percent(share.seconds / all),
        share.gigaflop == 0 ? "-" : String(format: "%.1f", share.gigaflop),
        share.gigaflop == 0 ? "-" : String(format: "%.1f", share.gigaflop / share.seconds),
      ]
    }
    let titles = [measurement.pass.title, "seconds", "time", "GFLOP", "GFLOP/s"]
    return AlignedColumns([titles] + rows, leftAligned: [0]).text
  }

  private func seconds(_ value: Double) -> String {
    String(format: value < 1 ? "%.4f" : "%.2f", value)
  }

  private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}

extension EnginePass {
  fileprivate var title: String {
    switch self {
    case .text: "text encoder"
    case .unet: "UNet, batch 1"
    case .unetPair: "UNet, batch 2"
    case .lossForward: "A&E loss, forward"
    case .lossBackward: "A&E loss, backward"
    case .step: "A&E step, altered"
    case .decode: "VAE decoder"
    }
  }
}

extension EngineImage {
  fileprivate var title: String {
    switch basis {
    case .measured: "A&E picture, 50 steps"
    case .scaled: "A&E picture, 50 steps, scaled from \(stepsMade)"
    case .estimated: "A&E picture, 50 steps, estimate"
    }
  }
}
