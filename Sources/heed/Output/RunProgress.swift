import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import TensorEngine

extension Batch {
  /// Makes all runs with progress on standard error, until Ctrl-C.
  func runWithProgress(in root: String) throws -> [RecordedRun] {
    if runsAtATime < min(atATime, count, Engine.threads) {
      Message.warning("only \(runsAtATime) of \(atATime) runs fit in memory at a time")
    }
    Interrupt.watch()
    let progress = Progress(total: iterations)
    return try run(in: root) { plan, event in progress.tell(event, of: plan, in: root) }
  }

  /// Prints the calls, disk space and memory that runs below `root` would need.
  func printCost(in root: String) throws {
    guard let cost else { return print("nothing would be recorded") }
    let free = try RecordingCost.freeDisk(at: root)
    let runs = min(runsAtATime, count, Engine.threads)
    let queries = cost.queryBytes > 0 ? ", of which queries \(formatBytes(cost.queryBytes))" : ""
    print(
      """
      runs            \(count)
      calls           at most \(cost.calls), of which recorded \(cost.recordedCalls)
      disk            at most \(formatBytes(cost.bytesOnDisk))\(queries)
      memory          up to \(formatBytes(memory)) besides the model's files, \(runs) at a time
      free disk       \(formatBytes(free))
      """)
    try checkDisk(in: root)
  }
}

extension Progress {
  /// Tells what happens to a run.
  func tell(
    _ event: Runner.Event, of plan: PlannedRun, in root: String, isTellingFound: Bool = true
  ) {
    let prompt = plan.promptFolder.map { $0 + ", " } ?? ""
    let name = "\(prompt)\(plan.methodTitle), seed \(plan.request.seed)"
    let (folder, count) = (plan.folder(in: root), plan.timesteps.count)
    let path = folder.path
    switch event {
    case .found:
      skip(count)
      if isTellingFound { finish("\(name): complete in \(path)") }
    case .noted(let text): noteOnce(text)
    case .resumed(let iterations): skip(iterations)
    case .step(let step):
      advance(
        name, loss: step.measurement?.loss,
        preview: plan.request.previews == nil ? nil : folder.latestPreview)
    case .finished(let seconds):
      finish(
        String(
          format: "%@: %d %@ in %.1f s → %@", name, count, count == 1 ? "step" : "steps", seconds,
          path))
    }
  }
}

extension Runner {
  /// A runner that the command stops on Ctrl-C, and that writes the command into `run.json`.
  init(_ model: StableDiffusion, durability: Durability, packs: Bool = false) {
    self.init(model)
    self.packs = packs
    self.durability = durability
    commandLine = Arguments.effective
    check = { try Interrupt.check() }
  }
}
