import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import TensorEngine

/// What the runs of a benchmark take: pictures, time, disk and files.
struct BenchmarkCost {
  private let plan: BenchmarkPlan
  /// The least and the most time of all runs, with the threads that the engine uses.
  let seconds: (least: Double, most: Double)
  /// The most memory of a pass, with what is made side by side, in bytes.
  let memory: Int

  /// How many runs there are.
  var runs: Int { plan.runs.count }

  /// Times the passes right now, on random latents.
  /// - Parameter batches: at least one.
  init(_ plan: BenchmarkPlan, _ batches: [Batch]) throws {
    self.plan = plan
    let atATime = batches.map(\.runsAtATime).max() ?? 1
    let threads = Engine.threads
    // Runs side by side have a thread each.
    Engine.threads = max(1, threads / atATime)
    defer { Engine.threads = threads }
    let measured = try EngineBenchmark(batches[0].runner.model.checkpoint, repeats: 3).measure([
      .unetPair, .lossForward, .lossBackward, .decode,
    ])
    func time(_ pass: EnginePass) -> Double { measured.first { $0.pass == pass }?.seconds ?? 0 }
    let passes = plan.passes
    let look = time(.lossForward) + time(.lossBackward)
    let rest =
      Double(passes.predictions) / 2 * time(.unetPair) + Double(plan.runs.count) * time(.decode)
    seconds = (
      (rest + Double(passes.fewestLooks) * look) / Double(atATime),
      (rest + Double(passes.mostLooks) * look) / Double(atATime)
    )
    let working = batches.map(\.workingMemory).max() ?? 0
    memory = (measured.compactMap(\.peakMemory).max() ?? 1 << 30) + (atATime - 1) * working
  }

  /// Prints what `plan` takes, of which `left` is not complete yet, and refuses what does not fit on the disk
  /// below `root`.
  /// - Parameter batches: of `left`.
  static func print(
    _ left: BenchmarkPlan, _ batches: [Batch], of plan: BenchmarkPlan, in root: String
  ) throws {
    let (all, done) = (plan.runs.count, plan.runs.count - left.runs.count)
    Swift.print("pictures        \(all) of \(plan.orders.count) prompts")
    guard done < all else { return Swift.print("complete        all of them") }
    if done > 0 { Swift.print("complete        \(done); the other \(all - done) take") }
    let seconds = try BenchmarkCost(left, batches).seconds
    let (least, most) = (hours(seconds.least), hours(seconds.most))
    let threads = "\(Engine.threads) \(Engine.threads == 1 ? "thread" : "threads")"
    let time = least == most ? least : "\(least) to \(most)"
    Swift.print("time            \(time) on this machine, with \(threads)")
    guard let cost = left.cost else { return Swift.print("disk            pictures alone") }
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
}
