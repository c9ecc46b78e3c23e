import ArgumentParser
import AttentionTrace
import Diffusion
import PromptText

/// A command that makes pictures of one prompt, by methods, from seeds.
protocol PictureCommand: ParsableCommand {
  var prompt: String { get }
  var seeds: String { get }
  var output: String { get }
  /// The methods asked for.
  var entries: [MethodEntry] { get throws }
  /// Whether there must be subjects whatever the methods.
  var needsSubjects: Bool { get }
  var options: RunOptions { get set }

  /// The pictures that are asked for.
  /// - Parameters:
  ///   - commandLine: what the command was read from.
  ///   - method: the only method that matters; `nil` for all that are asked for.
  func order(of commandLine: [String], method: String?) throws -> PictureOrder
}

/// The pictures that a command asks for.
struct PictureOrder {
  let checkpoint: Checkpoint
  let table: TokenTable
  let phrases: [NounPhrase]
  let picture: InputPicture?
  let subjects: [Subject]
  /// Seeds first, then methods.
  var requests: [GenerationRequest]
}

extension PictureCommand {
  /// Those that its options ask for.
  func order(of commandLine: [String], method: String?) throws -> PictureOrder {
    try order(method: method)
  }

  /// Reads what the options ask for, and the checkpoint it is asked of.
  /// - Parameter method: the only method that matters; `nil` for all that are asked for.
  func order(method: String? = nil) throws -> PictureOrder {
    let seeds = try SeedList(self.seeds).seeds
    let entries = try self.entries
    try (options.excitation.read + options.objectives.read + options.methods.read).refuseUnread(
      by: entries)
    let picture = try options.start.read()
    let checkpoint = try options.model.checkpoint()
    let markup = try PromptMarkup(
      prompt, brackets: entries.contains(where: \.readsPhrases),
      parts: entries.contains(where: \.readsParts))
    let table = try PromptReader.table(markup.prompt, checkpoint)
    let phrases = try entries.contains(where: needsPhrases) ? self.phrases(markup, table) : []
    let arguments = MethodArguments(
      checkpoint: checkpoint, table: table, parts: markup.components, phrases: phrases,
      excitation: options.excitation, objectives: options.objectives, methods: options.methods,
      guidanceScale: options.sampling.guidanceScale)
    let methods = try entries.filter { method == nil || $0.name == method }.map {
      GenerationRequest.Method(try $0.make(arguments))
    }
    let needed = needsSubjects || methods.contains { $0.base.needsSubjects }
    let nouns = try arguments.groups().map(\.noun)
    let subjects =
      try needed
      ? options.excitation.subject.subjects(in: table, orElse: { _ in nouns })
      : options.excitation.subject.subjectsIfKnown(in: table, orElse: nouns)
    let requests = try GenerationRequest.all(
      table.prompt, seeds: seeds, methods: methods, subjects: subjects, sampling: options.sampling,
      excitation: options.excitation
    ).map { options.start.applied(picture, to: $0) }
    return PictureOrder(
      checkpoint: checkpoint, table: table, phrases: phrases, picture: picture,
      subjects: subjects, requests: requests)
  }

  /// Whether a method is about the prompt's phrases, and not about groups that were given.
  private func needsPhrases(_ entry: MethodEntry) -> Bool {
    entry.readsPhrases
      && (options.objectives.groups == nil || !MethodRegistry.groupMethods.contains(entry.name))
  }

  /// The phrases in brackets; without brackets, those that are found.
  private func phrases(_ markup: PromptMarkup, _ table: TokenTable) throws -> [NounPhrase] {
    markup.phrases.isEmpty
      ? NounPhraseFinder.phrases(in: table)
      : try NounPhraseFinder.phrases(at: markup.phrases, in: table)
  }

  /// A runner of the order, which has been found possible, and told what was concluded.
  func runner(_ order: PictureOrder) throws -> BatchRunner {
    let runner = try BatchRunner(
      order.checkpoint, order.requests, order.table, batch: options.batch,
      recording: options.recording,
      output: output)
    PromptReader.warn(order.table)
    if let picture = order.picture {
      let size = runner.session.model.size(order.requests[0])
      Message.picture(picture, options.start.picture ?? "", size)
    }
    for request in order.requests where request.seed == order.requests[0].seed {
      options.methods.announce(
        request.method.base, order.table, try order.checkpoint.makeTokenizer())
    }
    if !order.phrases.isEmpty {
      Message.note("phrases: " + order.phrases.map(\.summary).joined(separator: "; "))
    }
    let needed = needsSubjects || order.requests.contains { $0.method.base.needsSubjects }
    if options.excitation.subject.tokens == nil, needed { Message.subjects(order.subjects) }
    return runner
  }
}
