import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import TensorEngine

/// What the runs of a benchmark take: pictures, time, disk and files.
struct BenchmarkCost {
  private let plan: BenchmarkPlan
  private let model: Checkpoint
  private let batches: [Batch]

  /// - Parameter batches: at least one.
  init(_ plan: BenchmarkPlan, _ batches: [Batch]) {
    (self.plan, self.batches) = (plan, batches)
    model = batches[0].runner.model.checkpoint
  }

  /// Prints it, and refuses what does not fit on the disk below `root`.
  ///
  /// Passes are timed right now, on random latents.
  func print(in root: String) throws {
    let seconds = try seconds
    let hours = Set([seconds.least, seconds.most].map(Self.hours)).sorted { $0.count < $1.count }
    Swift.print("pictures        \(plan.runs.count) of \(plan.orders.count) prompts")
    let threads = "\(Engine.threads) \(Engine.threads == 1 ? "thread" : "threads")"
    let time = hours.joined(separator: " to ")
    Swift.print("time            \(time) on this machine, with \(threads)")
    guard let cost = plan.cost else { return Swift.print("disk            pictures alone") }
    let disk = formatBytes(cost.bytesOnDisk)
    Swift.print("disk            at most \(disk) in at most \(cost.files) files")
    Swift.print("free disk       \(formatBytes(try RecordingCost.freeDisk(at: root)))")
    try cost.check(fits: root)
  }

  private static func hours(_ seconds: Double) -> String {
    seconds < 3600
      ? String(format: "%.0f min", (seconds / 60).rounded(.up))
      : String(format: "%.1f h", seconds / 3600)
  }

  /// The least and the most time of all runs.
  private var seconds: (least: Double, most: Double) {
    get throws {
      let atATime = batches.map(\.runsAtATime).max() ?? 1
      let threads = Engine.threads
      // Runs side by side have a thread each.
      Engine.threads = max(1, threads / atATime)
      defer { Engine.threads = threads }
      let measured = try EngineBenchmark(model, repeats: 3).measure([
        .unetPair, .lossForward, .lossBackward, .decode,
      ])
      func time(_ pass: EnginePass) -> Double {
        measured.first { $0.pass == pass }?.seconds ?? 0
      }
      let passes = plan.passes
      let look = time(.lossForward) + time(.lossBackward)
      let rest =
        Double(passes.predictions) / 2 * time(.unetPair) + Double(plan.runs.count) * time(.decode)
      return (
        (rest + Double(passes.fewestLooks) * look) / Double(atATime),
        (rest + Double(passes.mostLooks) * look) / Double(atATime)
      )
    }
  }
}
