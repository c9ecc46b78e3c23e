import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import PromptText

/// A command that makes pictures of prompts, by methods, from seeds.
protocol PictureCommand: ParsableCommand {
  var seeds: String { get }
  var output: String { get }
  var options: RunOptions { get }
  /// The steps whose predicted pictures are drawn; empty for some of them, `nil` for none.
  var picturedSteps: [Int]? { get throws }
}

extension PictureCommand {
  var picturedSteps: [Int]? { nil }

  /// The model, the start picture of runs, and the predicted pictures that they keep.
  func loaded() throws -> (
    model: StableDiffusion, picture: StartPicture?, previews: StepPreviews?
  ) {
    options.details.precision.apply()
    let picture = try options.start.read()
    let previews =
      try options.preview.map { try StepPreviews($0) }
      ?? picturedSteps.map { StepPreviews(steps: $0.isEmpty ? nil : $0) }
    let model = try StableDiffusion(options.weights.checkpoint(options.model.path))
    return (model, picture, previews)
  }

  /// What makes the order of a prompt's runs by several methods.
  func orders(_ methods: [any Method], needsSubjects: Bool) throws -> (String) throws -> RunOrder {
    let seeds = try SeedList(self.seeds).seeds
    let methods = try options.knobs.applied(to: methods)
    let (model, picture, previews) = try loaded()
    return { [options] prompt in
      do {
        return try RunOrder(
          prompt, by: methods, from: seeds, needsSubjects: needsSubjects, reading: options.reading,
          on: model
        ) {
          try options.template($0, picture, previews, on: model)
        }
      } catch let error as TextError {
        // A sign stuck to a word can be why it was not found.
        if case .subjectsNeeded = error, options.reading.syntax == .plain {
          Message.literalMarks(in: prompt)
        }
        throw error
      }
    }
  }

  /// Makes the runs of orders, or prints what they would need.
  /// - Parameter orders: at least one, all of the same model and seeds.
  /// - Returns: the runs, those of an order together; `nil` if `--dry-run` asked only for the cost.
  func made(_ orders: [RunOrder]) throws -> [RecordedRun]? {
    guard let model = orders.first?.plans.first?.model else { return nil }
    let runner = Runner(
      model, durability: options.details.durability, packs: options.recording.pack)
    let batch =
      orders.count == 1
      ? try Batch(
        runner, orders[0].plans, seeds: orders[0].seeds, atATime: options.batch.batch)
      : try Batch(runner, orders.flatMap { try $0.seededPlans }, atATime: options.batch.batch)
    for order in orders { Message.concluded(order) }
    Message.literalMarks(orders.flatMap(\.plans))
    if options.recording.dryRun {
      try batch.printCost(in: output)
      Message.chosen(orders.flatMap(\.plans))
      return nil
    }
    let runs = try batch.runWithProgress(in: output)
    Message.chosen(orders.flatMap(\.plans))
    Message.latents(runs)
    return runs
  }
}
