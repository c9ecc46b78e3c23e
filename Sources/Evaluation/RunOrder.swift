internal import AttentionTrace
package import Diffusion
package import PromptText

/// Comparable runs of one prompt by several methods from several seeds: all measure the same words.
package struct RunOrder: Sendable {
  /// The prompt as its tokens, without marks.
  package let prompt: TokenTable
  /// The noun phrases that methods read, marked or found; empty if no method reads any.
  package let phrases: [NounPhrase]
  /// The subjects that are measured in every run; may be empty if no method needs them.
  package let subjects: [Subject]
  /// Whether the subjects were found in the prompt instead of being named by the user.
  package let hasFoundSubjects: Bool
  /// Whether the subjects are nouns that were found in the prompt, which does not make them certain.
  package let areSubjectsNouns: Bool
  /// A plan for each method, for the first of the seeds.
  package private(set) var plans: [PlannedRun]
  /// The seeds that each plan is made from.
  package let seeds: [UInt64]

  /// Plans the runs.
  ///
  /// - Parameters:
  ///   - prompt: with marks, if a method reads any: brackets around phrases, bars between parts.
  ///   - methods: the methods, each with its knobs.
  ///   - seeds: the seeds of the noise, at least one.
  ///   - model: the checkpoint that makes the runs.
  ///   - needsSubjects: whether words must be measured whatever the methods.
  ///   - isOfSuite: whether the prompt is one of many: its nouns are its subjects where nothing else says
  ///     which are, and of its attention that of the subjects is recorded unless the template says more.
  ///   - reading: how the prompt becomes tokens, and with it every text of the runs.
  ///   - template: all else that the runs have in common, for the prompt without marks; of its own
  ///     prompt, seed and method nothing counts.
  /// - Throws: `DiffusionError` or `TextError` when one of the runs cannot be made.
  package init(
    _ prompt: String, by methods: [any Method], from seeds: [UInt64], needsSubjects: Bool,
    isOfSuite: Bool = false, reading: PromptReading = PromptReading(), on model: StableDiffusion,
    like template: (TokenTable) throws -> RunRequest
  ) throws {
    let marks = methods.reduce(into: Set<PromptMark>()) { $0.formUnion($1.marks) }
    var markup =
      reading.syntax == .webui
      ? try PromptMarkup(webUI: prompt, parts: marks.contains(.parts))
      : try PromptMarkup(
        prompt, brackets: marks.contains(.phrases), parts: marks.contains(.parts))
    let table = model.tokenizer.encode(markup.prompt, as: reading)
    guard !table.words.isEmpty else { throw TextError.emptyPrompt }
    phrases =
      !marks.contains(.phrases)
      ? []
      : markup.phrases.isEmpty
        ? NounPhraseFinder.phrases(in: table)
        : try NounPhraseFinder.phrases(at: markup.phrases, in: table)
    var request = try template(table)
    request.reading = reading
    if reading.syntax == .webui { markup = markup.scalingWeights(by: request.guidanceScale) }
    let methods = try methods.map { method in
      var method = method
      try method.read(markup, in: table)
      return method
    }
    let areNeeded = needsSubjects || methods.contains(where: \.needsSubjects)
    hasFoundSubjects = areNeeded && request.subjects == nil
    for method in methods { try method.requireAsked() }
    let subjects =
      try request.subjects.map { try SubjectSelection.subjects(named: $0, in: table) }
      ?? SubjectSelection.found(
        for: methods, in: table, areNeeded: areNeeded, takesNouns: isOfSuite)
    areSubjectsNouns =
      request.subjects == nil && !subjects.isEmpty && SubjectSelection.certain(in: table) == nil
    if isOfSuite, !subjects.isEmpty, request.recording?.tokens == nil {
      request.recording?.tokens = subjects.flatMap(\.tokens).sorted()
    }
    self.prompt = table
    self.subjects = subjects
    (request.prompt, request.subjects) = (table.prompt, subjects.map(\.name))
    self.seeds = seeds
    request.seed = seeds.first ?? 0
    plans = try methods.map { method in
      request.method = method
      return try model.plan(request)
    }
    // One method may make passes that another does not.
    if !plans.contains(where: \.recordsSomething) { try plans.first?.requireRecorded() }
  }
}

extension RunOrder {
  /// A plan for each run, those of the first seed first.
  /// - Throws: `DiffusionError` for a seed that the random source does not take.
  package var seededPlans: [PlannedRun] {
    get throws { try seeds.flatMap { seed in try plans.map { try $0.seeded(seed) } } }
  }

  /// The runs of orders of the same prompt and seeds.
  ///
  /// - Parameter orders: at least one.
  package init(joining orders: [RunOrder]) {
    let first = orders[0]
    (prompt, phrases, seeds) = (first.prompt, first.phrases, first.seeds)
    (subjects, hasFoundSubjects) = (first.subjects, first.hasFoundSubjects)
    areSubjectsNouns = first.areSubjectsNouns
    plans = orders.flatMap(\.plans)
  }

  /// The same runs in the folder of a suite's prompt.
  package func inFolder(_ id: String) -> RunOrder {
    var order = self
    order.plans = plans.map { plan in
      var plan = plan
      plan.promptFolder = id
      return plan
    }
    return order
  }
}
