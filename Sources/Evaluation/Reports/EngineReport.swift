internal import AttentionAnalysis
internal import AttentionTrace
package import Diffusion
private import Foundation
package import TensorEngine

/// The engine's speed in words and numbers.
package struct EngineReport: Encodable {
  let model: String
  /// What the weights are: `its own`, `random float32` or `random float16`.
  let weights: String
  let threads = Parallel.threads
  /// What the kernels of ``passes`` and ``image`` were compiled for.
  let instructionSet: InstructionSet
  let passes: [EngineMeasurement]
  let image: EngineImage?
  /// The same passes with other kernels.
  let others: [Others]

  /// Passes as one instruction set runs them.
  struct Others: Encodable {
    let instructionSet: InstructionSet
    let passes: [EngineMeasurement]
  }

  /// A report of measured passes, and of a picture made or estimated from them.
  ///
  /// - Parameter passes: by instruction set, first those that the picture was made with.
  package init(
    model: String, weights: String, passes: [(InstructionSet, [EngineMeasurement])],
    image: EngineImage?
  ) {
    (self.model, self.weights, self.image) = (model, weights, image)
    (instructionSet, self.passes) = passes.first ?? (.current, [])
    others = passes.dropFirst().map { Others(instructionSet: $0, passes: $1) }
  }

  private enum CodingKeys: String, CodingKey {
    case model, weights, threads, instructionSet, passes, image, others
  }

  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  package func text() -> String {
    let heading = "\(model), \(weights) weights, threads: \(threads), kernels: \(instructionSet)"
    let detailed = passes.filter { [.unet, .lossBackward].contains($0.pass) }
    return ([heading, passTable] + detailed.map(shareTable)).joined(separator: "\n\n")
  }

  private var passTable: String {
    let titles =
      ["pass", "seconds"] + others.map { "\($0.instructionSet)" }
      + ["GFLOP", "GFLOP/s", "sgemm", "share", "peak memory"]
    var rows = passes.map { pass in
      let others = others.map { other in
        other.passes.first { $0.pass == pass.pass }.map { seconds($0.seconds) } ?? "-"
      }
      return row(pass.name, pass.speed, others, pass.peakMemory)
    }
    if let image {
      rows.append(row(image.title, image.speed, others.map { _ in "-" }, image.peakMemory))
    }
    return AlignedColumns([titles] + rows, leftAligned: [0]).text
  }

  private func row(
    _ name: String, _ speed: EngineSpeed, _ others: [String], _ peak: Int?
  ) -> [String] {
    [name, seconds(speed.seconds)] + others + [
      String(format: "%.1f", speed.gigaflop), String(format: "%.1f", speed.speed),
      String(format: "%.1f", speed.sgemm), percent(speed.shareOfSgemm),
      peak.map(formatBytes) ?? "-",
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
    let alone = [
      "of it one thread alone", seconds(measurement.alone * measurement.seconds),
      String(format: "%.1f %%", 100 * measurement.alone), "-", "-",
    ]
    let titles = [measurement.name, "seconds", "time", "GFLOP", "GFLOP/s"]
    return AlignedColumns([titles] + rows + (threads > 1 ? [alone] : []), leftAligned: [0]).text
  }

  private func seconds(_ value: Double) -> String {
    String(format: value < 1 ? "%.4f" : "%.2f", value)
  }

  private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
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
