import ArgumentParser
import AttentionTrace
import Diffusion
import Evaluation
import PromptText

/// A command that makes pictures of one prompt, by methods, from seeds.
protocol PictureCommand: ParsableCommand {
  var prompt: String { get }
  var seeds: String { get }
  var output: String { get }
  var options: RunOptions { get }
}

extension PictureCommand {
  /// The model, and the start picture of runs.
  func loaded() throws -> (model: StableDiffusion, picture: StartPicture?) {
    let picture = try options.start.read()
    let model = try StableDiffusion(options.weights.checkpoint(options.model.path))
    return (model, picture)
  }

  /// The runs of several methods.
  func order(_ methods: [any Method], needsSubjects: Bool) throws -> RunOrder {
    let seeds = try SeedList(self.seeds).seeds
    let methods = try options.knobs.applied(to: methods)
    let (model, picture) = try loaded()
    return try RunOrder(prompt, by: methods, from: seeds, needsSubjects: needsSubjects, on: model) {
      try options.template($0, picture)
    }
  }

  /// Makes the runs of an order, or prints what they would need.
  /// - Returns: the runs; `nil` if `--dry-run` asked only for the cost.
  func made(_ order: RunOrder) throws -> [RecordedRun]? {
    guard let model = order.plans.first?.model else { return nil }
    let batch = try Batch(
      Runner(model, durability: options.details.durability), order.plans, seeds: order.seeds,
      atATime: options.batch.batch)
    Message.concluded(order)
    if options.recording.dryRun {
      try batch.printCost(in: output)
      return nil
    }
    return try batch.runWithProgress(in: output)
  }
}
