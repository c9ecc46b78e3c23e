import ArgumentParser
import AttentionTrace
import Diffusion
import Foundation

/// Pictures by one method, recorded.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes pictures by one method, with their attention recorded.",
    discussion: """
      Each run is a folder under OUTPUT/PROMPT/METHOD/seed-N with run.json, calls.jsonl, \
      attention.zarr, image.png, latent.npy and losses.csv. Its path is printed when it is complete.
      """)

  @Argument(help: "What the pictures shall show.")
  var prompt: String

  @Option(help: "stable-diffusion or attend-and-excite.")
  var method = "attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0"

  @Option(name: [.short, .long], help: ArgumentHelp("Where runs go.", valueName: "folder"))
  var output = "runs"

  @OptionGroup var batch: BatchOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Picture") var start: PictureOptions
  @OptionGroup(title: "Attend-and-Excite") var excitation: ExcitationOptions
  @OptionGroup(title: "Recording") var recording: RecordingOptions

  func run() throws {
    let seeds = try SeedList(self.seeds).seeds
    guard GenerationRequest.Method.names.contains(method) else {
      throw Failure(
        .usage,
        "--method: no '\(method)'; there are "
          + GenerationRequest.Method.names.joined(separator: ", "))
    }
    let picture = try start.read()
    let checkpoint = try model.checkpoint()
    let table = try PromptReader.table(prompt, checkpoint)
    let plain = GenerationRequest.Method.stableDiffusion
    let chosen =
      method == plain.name
      ? plain : .attendAndExcite(try excitation.settings(checkpoint))
    let subjects =
      try method == plain.name
      ? excitation.subject.subjectsIfKnown(in: table) : excitation.subject.subjects(in: table)
    let requests = try GenerationRequest.all(
      prompt, seeds: seeds, methods: [chosen], subjects: subjects, sampling: sampling,
      excitation: excitation
    ).map { start.applied(picture, to: $0) }
    let runner = try BatchRunner(
      checkpoint, requests, table, batch: batch, recording: recording, output: output)
    PromptReader.warn(table)
    if let picture {
      let size = runner.session.model.size(requests[0])
      Message.picture(picture, start.picture ?? "", size)
    }
    if excitation.subject.tokens == nil, method != plain.name { Message.subjects(subjects) }
    if recording.dryRun { return try runner.printCost() }
    try runner.run()
    for request in requests { print(runner.session.folder(request).path) }
  }
}
