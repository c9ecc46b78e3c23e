import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import PromptText

/// A run made again without something that attention did, and what that changed.
struct Causal: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a run again with tokens or heads taken out, and reports what changes.",
    usage: "heed causal [<options>] <run>",
    discussion: """
      The run is made again from its own command line, seed and checkpoint, with an intervention in \
      the attention of the prompt's branch, in every step: a dropped token has no attention in any \
      layer, a damped head or token adds less to its layers or nothing. Nothing takes their place. \
      The new run is recorded as the first was, as OUTPUT/PROMPT/METHOD+INTERVENTION/seed-N.

      Of the pictures the report has the mean absolute difference of samples (0 to 255), the peak \
      signal-to-noise ratio in decibels and the mean structural similarity (7x7 windows of luma). Of \
      each subject it has the largest attention (as the loss reads it, mean over the steps) before and \
      after, and what the two maps share (the soft Jaccard index, 0 to 1); of each two subjects, what \
      their maps share before and after.
      """)

  @Argument(help: ArgumentHelp("The folder of a complete run.", valueName: "run"))
  var place: String

  @Option(
    help: ArgumentHelp(
      "Words to drop, separated by commas: frog, frog#2, @5, <end>.", valueName: "words"))
  var drop: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A head to damp in layers (a glob over paths, or a grid), and a factor other than 0: "
        + "'up_blocks.1*attn2.3', 16x16.0=0.5; or a word and its factor: frog=0.5; repeatable.",
      valueName: "layers.head"))
  var damp: [String] = []

  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the new run goes.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Where the run's checkpoint is now; otherwise where the run found it.", valueName: "path"))
  var model: String?

  func validate() throws {
    if drop == nil, damp.isEmpty {
      throw ValidationError(
        "Say what is taken out: --drop WORDS, --damp LAYERS.HEAD or --damp WORD=FACTOR.")
    }
  }

  func run() throws {
    let original = try RecordedRun(place)
    guard original.manifest.status == .complete else {
      throw Failure(.dataError, "\(place): the run is not complete; finish it first")
    }
    let (ablation, described) = try intervention(original.manifest.tokens)
    var command = try Self.command(of: original)
    if let model { command.options.model.model.model = model }
    let order = try command.order(
      of: original.manifest.commandLine, method: original.manifest.method.name)
    guard
      var request = order.requests.first(where: {
        $0.method.name == original.manifest.method.name && $0.seed == original.manifest.seed
      })
    else { throw Self.notRepeatable(original, "its command line asks for other runs") }
    request.method = .init(AblatedMethod(request.method, without: ablation, described))
    let runner = try BatchRunner(
      order.checkpoint, [request], order.table, batch: command.options.batch,
      recording: command.options.recording, output: output)
    try Self.requireSame(original, runner)
    try runner.run()
    let changed = try RecordedRun(runner.session.folder(request).path)
    print(try CausalReport(original, changed, intervention: described).text(json: json))
  }

  /// The intervention, and its description in one form.
  private func intervention(_ table: TokenTable) throws -> (AttentionAblation, String) {
    let dropped = try drop.map(WordReference.list) ?? []
    let damped = try damp.map(Damping.init)
    var tokens: [Int: Float] = [:]
    for (word, factor) in dropped.map({ ($0, 0) }) + damped.compactMap(\.word) {
      for token in try word.tokens(in: table) {
        tokens[token, default: 1] *= factor
      }
    }
    let description = dropped.map { "drop \($0)" } + damped.map { "damp \($0.text)" }
    return (
      AttentionAblation(tokens: tokens, heads: damped.compactMap(\.head)),
      description.joined(separator: ", ")
    )
  }

  /// The command that made a run, read again.
  private static func command(of run: RecordedRun) throws -> any PictureCommand {
    do {
      if let command = try Heed.parseAsRoot(run.manifest.commandLine) as? any PictureCommand {
        return command
      }
    } catch {
      throw notRepeatable(run, "this Heed does not read its command line")
    }
    throw notRepeatable(run, "its command makes no pictures")
  }

  private static func notRepeatable(_ run: RecordedRun, _ reason: String) -> Failure {
    Failure(
      .dataError,
      "\(run.folder.path): cannot be made again: \(reason): heed "
        + run.manifest.commandLine.joined(separator: " "))
  }

  /// Refuses where the run without the intervention would not be the one that is there.
  private static func requireSame(_ run: RecordedRun, _ runner: BatchRunner) throws {
    guard let again = try runner.unablated() else { return }
    if run.manifest.model.files != again.model.files {
      throw Failure(
        .dataError,
        "\(run.folder.path) was made by another checkpoint, \(run.manifest.model.name), or its files "
          + "have changed; name the run's own with --model")
    }
    guard let difference = try run.manifest.difference(from: again) else { return }
    throw notRepeatable(
      run, "\(difference.field) is \(difference.here) there, \(difference.wanted) here")
  }
}

/// A head or a word, and what it is multiplied by: `LAYERS.HEAD`, `LAYERS.HEAD=FACTOR`, `WORD=FACTOR`.
private struct Damping {
  private(set) var head: AttentionAblation.Head?
  private(set) var word: (WordReference, Float)?
  let text: String

  init(_ text: String) throws {
    self.text = text
    let sides = text.split(separator: "=", omittingEmptySubsequences: false)
    let factor = sides.count == 2 ? Float(String(sides[1])) : 0
    guard (1...2).contains(sides.count), let factor, factor.isFinite, !sides[0].isEmpty else {
      throw Self.unreadable(text)
    }
    if let dot = sides[0].lastIndex(of: "."), dot != sides[0].startIndex,
      let index = Int(sides[0][sides[0].index(after: dot)...]), index >= 0
    {
      head = AttentionAblation.Head(
        layers: String(sides[0][..<dot]), head: index, factor: factor)
    } else if sides.count == 2 {
      word = (try WordReference(String(sides[0])), factor)
    } else {
      throw Self.unreadable(text)
    }
  }

  private static func unreadable(_ text: String) -> Failure {
    Failure(
      .usage,
      "--damp is '\(text)'; expected layers, a point and a head, as in 16x16.0 or 16x16.0=0.5, or a "
        + "word and a factor, as in frog=0.5")
  }
}
