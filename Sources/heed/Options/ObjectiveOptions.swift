public import ArgumentParser
import AttentionTrace
public import Diffusion
import PromptText

/// What the successors of Attend-and-Excite are about, and their knobs.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Nouns with their modifiers, the noun last, as in "red car; white sheep"; without it, those of \
      the phrases in brackets or found.
      """, valueName: "words"))
  var groups: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Where a word shall be: left, top, right, bottom in shares of the picture; repeatable.",
      valueName: "word=l,t,r,b"))
  var box: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      A weighted sum of losses for the method objective, as in "excite(cat, frog) + 0.5 * bind(red, \
      car)".
      """, valueName: "sum"))
  var objective: String?

  @Option(
    help: "The form of divide-and-bind (paper) and predicated-diffusion (code): paper or code.")
  var objectiveForm: ObjectiveForm?

  @Flag(
    inversion: .prefixedNo,
    help: "Nouns without modifiers count in syngen and ebama; without it, they do.")
  var bareNouns: Bool?

  @Option(parsing: .unconditional, help: "Weight of ebama's intensity (0.5).")
  var intensityWeight: Double?

  @Option(parsing: .unconditional, help: "Temperature of conform's contrast (0.5).")
  var temperature: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Maps of conform are renormalised over the tokens; without it, they are not.")
  var renormalize: Bool?

  @Option(
    parsing: .unconditional,
    help: "Share of its largest number from which a-star's map is high (0.5).")
  var maskThreshold: Double?

  @Option(
    parsing: .unconditional, help: "Share of the cells that box-diff's means are over (0.2).")
  var topShare: Double?

  @Option(parsing: .unconditional, help: "Cells beside an edge that count in box-diff (1).")
  var cornerWidth: Int?

  @Option(
    parsing: .unconditional, help: "Weight of what words must not be in predicated-diffusion (0.3)."
  )
  var leakWeight: Double?

  @Option(parsing: .unconditional, help: "How often initno draws noise (5).")
  var searchRounds: Int?

  @Option(parsing: .unconditional, help: "Steps of initno's search from each (10).")
  var searchSteps: Int?

  @Option(parsing: .unconditional, help: "Steps of it from the best, if none is good enough (50).")
  var finalSearchSteps: Int?

  @Option(parsing: .unconditional, help: "Rate of initno's search (0.01).")
  var searchRate: Double?

  @Option(parsing: .unconditional, help: "How far its noise may be from normal noise (0.001).")
  var searchDivergence: Double?

  @Option(
    parsing: .unconditional, help: "What initno's score of cross-attention must fall below (0.2).")
  var responseTarget: Double?

  @Option(
    parsing: .unconditional, help: "What initno's score of self-attention must fall below (0.3).")
  var conflictTarget: Double?

  /// Refuses knobs that no run can be made with.
  func validate() throws {
    try check("--intensity-weight", intensityWeight, in: 0...1e6)
    try check("--temperature", temperature, in: 1e-2...1e3)
    try check("--mask-threshold", maskThreshold, in: 0...1)
    try check("--top-share", topShare, in: 0...1)
    try check("--corner-width", cornerWidth, in: 0...1000)
    try check("--leak-weight", leakWeight, in: 0...1e6)
    try check("--search-rounds", searchRounds, in: 1...100)
    try check("--search-steps", searchSteps, in: 1...1000)
    try check("--final-search-steps", finalSearchSteps, in: 0...1000)
    try check("--search-rate", searchRate, in: 1e-9...1e3)
    try check("--search-divergence", searchDivergence, in: 1e-9...1e3)
    try check("--response-target", responseTarget, in: 1e-6...1)
    try check("--conflict-target", conflictTarget, in: 1e-6...1)
  }

  /// The options, and the methods that read them.
  var read: [MethodOption] {
    let searching = [
      ("--search-rounds", searchRounds != nil), ("--search-steps", searchSteps != nil),
      ("--final-search-steps", finalSearchSteps != nil), ("--search-rate", searchRate != nil),
      ("--search-divergence", searchDivergence != nil),
      ("--response-target", responseTarget != nil), ("--conflict-target", conflictTarget != nil),
    ]
    return [
      MethodOption("--groups", groups != nil, of: MethodRegistry.groupMethods),
      MethodOption("--box", !box.isEmpty, of: MethodRegistry.boxMethods),
      MethodOption("--objective", objective != nil, of: "objective"),
      MethodOption(
        "--objective-form", objectiveForm != nil, of: "divide-and-bind", "predicated-diffusion"),
      MethodOption("--bare-nouns", bareNouns != nil, of: "syngen", "ebama"),
      MethodOption("--intensity-weight", intensityWeight != nil, of: "ebama"),
      MethodOption("--temperature", temperature != nil, of: "conform"),
      MethodOption("--renormalize", renormalize != nil, of: "conform"),
      MethodOption("--mask-threshold", maskThreshold != nil, of: "a-star"),
      MethodOption("--top-share", topShare != nil, of: "box-diff"),
      MethodOption("--corner-width", cornerWidth != nil, of: "box-diff"),
      MethodOption("--leak-weight", leakWeight != nil, of: "predicated-diffusion"),
    ] + searching.map { MethodOption($0, $1, of: "initno") }
  }

  /// The groups that were given; without any, those of `phrases`.
  func wordGroups(_ phrases: [NounPhrase], in table: TokenTable) throws -> [WordGroup] {
    guard let groups else {
      return phrases.map { phrase in
        WordGroup(
          noun: table.subject(of: phrase.noun),
          modifiers: phrase.modifiers.map(table.subject(of:)))
      }
    }
    let given = try groups.split(separator: ";", omittingEmptySubsequences: false).map { text in
      let names = text.split(separator: " ").map(String.init)
      guard !names.isEmpty else {
        throw Failure(
          .usage, "--groups is '\(groups)'; expected words, as in \"red car; white sheep\"")
      }
      let words = try SubjectSelection.subjects(named: names, in: table)
      return WordGroup(noun: words[words.count - 1], modifiers: words.dropLast())
    }
    let nouns = given.map(\.noun)
    if let twice = nouns.first(where: { noun in nouns.count { $0.tokens == noun.tokens } > 1 }) {
      throw Failure(
        .usage, "--groups is '\(groups)'; \(twice.name) is the noun, which is last, of two groups")
    }
    return given
  }

  /// The boxes that were given.
  func boxes(in table: TokenTable) throws -> [LayoutBox] {
    try box.map { text in
      let sides = text.split(separator: "=", omittingEmptySubsequences: false)
      let numbers = (sides.last ?? "").split(separator: ",", omittingEmptySubsequences: false)
      let edges = numbers.compactMap { Double($0) }
      guard sides.count == 2, numbers.count == 4, edges.count == 4 else {
        throw Failure(
          .usage, "--box is '\(text)'; expected a word and four numbers, as in cat=0.1,0.2,0.5,0.9")
      }
      let subject = try SubjectSelection.subjects(named: [String(sides[0])], in: table)[0]
      return try LayoutBox(
        subject, left: edges[0], top: edges[1], right: edges[2], bottom: edges[3])
    }
  }

  /// The weighted sum that was given.
  func expression() throws -> ObjectiveExpression {
    guard let objective else {
      throw Failure(
        .usage, "the method objective needs --objective, as in \"excite(cat, frog)\"")
    }
    return try ObjectiveExpression(objective)
  }

  /// InitNO's search.
  var search: NoiseSearch.Settings {
    var settings = NoiseSearch.Settings()
    settings.rounds = searchRounds ?? settings.rounds
    settings.steps = searchSteps ?? settings.steps
    settings.finalSteps = finalSearchSteps ?? settings.finalSteps
    settings.rate = searchRate ?? settings.rate
    settings.divergence = searchDivergence ?? settings.divergence
    return settings
  }

  /// What InitNO must attain.
  var targets: InitNO.Targets {
    var targets = InitNO.Targets()
    targets.response = responseTarget ?? targets.response
    targets.conflict = conflictTarget ?? targets.conflict
    return targets
  }
}

extension ObjectiveForm: ExpressibleByArgument {}

/// Refuses a number out of the range of an option, if there is one.
func check<Value: Comparable>(
  _ option: String, _ value: Value?, in range: ClosedRange<Value>
) throws {
  guard let value, !range.contains(value) else { return }
  throw Failure(
    .usage, "\(option) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
}
