import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import PromptText
import TensorEngine

/// A photo shown to the model: where each word of a text attends to in it.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Records where each word of a text attends to in a photo.",
    discussion: """
      The photo is encoded (the mean of the autoencoder's posterior), noise is added as in a run at \
      the chosen times, and the UNet's pass for the text is recorded at each. No picture is generated: \
      image.png of the run is the photo as the model receives it. The noise is drawn from the seed and \
      is the same at every time. Without --tokens, the subjects are the two nouns of a text like \
      "a X and a Y"; in any other text, every word except articles and prepositions is a subject.

      Each seed is a run in OUTPUT/PROMPT/explain/seed-N; sheet.pdf and sheet.png are in \
      OUTPUT/PROMPT/explain. The table gives, for each seed, time and subject, the excitation score \
      (what Attend-and-Excite's loss reads of it), and the loss at that time.
      """)

  @Argument(help: ArgumentHelp("A PNG, JPEG, WebP or GIF picture.", valueName: "photo"))
  var photo: String

  @Argument(help: "A text that describes the photo.")
  var prompt: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Times as fractions of the diffusion, from 0 (the photo) to 1 (noise), separated by commas. "
        + "(default: 0.5)",
      valueName: "list"))
  var at: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Times as training timesteps, as in 261,501, instead of --at.", valueName: "list"))
  var timesteps: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seeds of the noise, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0"

  @Option(help: "Which generator draws the noise of a seed: torch, torch-cuda or numpy.")
  var rng = RandomSourceKind.torch

  @OptionGroup var size: SizeOption

  @Option(help: "How the photo is fitted to the model's size: squash or crop.")
  var fit = InputPicture.Fit.squash

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the table as JSON.")
  var json = false

  @OptionGroup var boxes: BoxOptions
  @OptionGroup var batch: BatchOptions
  @OptionGroup var prompts: PromptOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Subjects") var subject: SubjectOptions
  @OptionGroup(title: "Recording") var recording: RecordingOptions
  @OptionGroup(title: "Recording") var details: RecordingDetails

  func validate() throws {
    if at != nil, timesteps != nil {
      throw ValidationError("Give either --at or --timesteps.")
    }
  }

  func run() throws {
    let seeds = try SeedList(self.seeds).seeds
    let times = try ExplainedTimes(at: at, timesteps: timesteps)
    let picture = try StartPicture(photo, fit: fit, strength: 1)
    details.precision.apply()
    let model = try StableDiffusion(self.model.checkpoint())
    let table = model.tokenizer.encode(prompt, as: prompts.texts.reading)
    guard !table.words.isEmpty else { throw TextError.emptyPrompt }
    let subjects =
      try subject.names
      ?? Self.subjects(of: table)
    let method = PictureExplanation(times: try times.list(model.checkpoint))
    var request = RunRequest(prompt, seed: seeds[0], method: method)
    try subject.apply(to: &request)
    request.subjects = subjects
    request.picture = picture
    request.size = try size.imageSize
    request.rng = rng
    prompts.apply(to: &request)
    request.steps = times.count
    // No picture is guided: the scale only decides whether the unconditional branch is run too.
    if try !recording.keeps(.unconditional, details) { request.guidanceScale = 1 }
    request.recording = try recording.plan(
      details, table, negative: model.tokenizer.encode("", as: prompts.texts.reading))
    let plan = try model.plan(request)
    let batch = try Batch(
      Runner(model, durability: details.durability, packs: recording.pack), [plan], seeds: seeds,
      atATime: self.batch.batch
    )
    Message.leftOut(table)
    Message.literalMarks([plan])
    Message.picture(plan)
    if subject.tokens == nil { Message.subjects(plan.subjects) }
    if recording.dryRun { return try batch.printCost(in: output) }
    let runs = try batch.runWithProgress(in: output)
    if recording.record {
      let folder = "\(output)/\(RunFolder.slug(prompt))/explain"
      try SheetWriter.tryToWrite(
        runs, detections: boxes.detections(of: runs),
        to: [folder + "/sheet.pdf", folder + "/sheet.png"])
    }
    print(ExplanationTable(runs).text(json: json))
  }
}

extension Explain {
  /// The subjects that the prompt makes certain, otherwise all words but articles and prepositions.
  private static func subjects(of table: TokenTable) throws -> [String] {
    let found = SubjectSelection.certain(in: table) ?? SubjectSelection.contentWords(in: table)
    return try (found.isEmpty ? SubjectSelection.subjects(named: [], in: table) : found).map(\.name)
  }
}

/// The times of `--at` or `--timesteps`.
private enum ExplainedTimes {
  case shares([Double])
  case times([Int])

  init(at: String?, timesteps: String?) throws {
    func parts(_ text: String) -> [Substring] {
      text.split(separator: ",", omittingEmptySubsequences: false)
    }
    if let timesteps {
      self = .times(
        try parts(timesteps).map { part in
          guard let time = Int(part), time >= 0 else {
            throw Failure(
              .usage,
              "--timesteps is '\(timesteps)'; '\(part)' is not a training timestep, as in 261,501")
          }
          return time
        })
      return
    }
    let at = at ?? "0.5"
    self = .shares(
      try parts(at).map { part in
        guard let share = Double(part), (0...1).contains(share) else {
          throw Failure(
            .usage, "--at is '\(at)'; '\(part)' is not a number from 0 to 1, as in 0.2,0.5")
        }
        return share
      })
  }

  var count: Int {
    switch self {
    case .shares(let shares): shares.count
    case .times(let times): times.count
    }
  }

  /// Training times from noise to photo, as a run visits them.
  func list(_ checkpoint: Checkpoint) throws -> [Int] {
    switch self {
    case .shares(let shares): try checkpoint.validTimes(shares.map(checkpoint.time))
    case .times(let times): try checkpoint.validTimes(times)
    }
  }
}
