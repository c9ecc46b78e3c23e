public import ArgumentParser
import AttentionTrace
public import Diffusion

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
    help: ArgumentHelp(
      """
      A weighted sum of losses for the method objective, as in "excite(cat, frog) + 0.5 * bind(red, \
      car)".
      """, valueName: "sum"))
  var objective: String?

  @Option(
    help: "The form of divide-and-bind (paper) and predicated-diffusion (code): paper or code.")
  var objectiveForm: ObjectiveForm?

  @Flag(inversion: .prefixedNo, help: "Nouns without modifiers count in syngen and ebama.")
  var bareNouns = true

  @Option(parsing: .unconditional, help: "Weight of ebama's intensity.")
  var intensityWeight = 0.5

  @Option(parsing: .unconditional, help: "Temperature of conform's contrast.")
  var temperature = 0.5

  @Flag(inversion: .prefixedNo, help: "Maps of conform are renormalised over the tokens.")
  var renormalize = false

  @Option(
    parsing: .unconditional, help: "Share of its largest number from which a-star's map is high.")
  var maskThreshold = 0.5

  @Option(parsing: .unconditional, help: "Share of the cells that box-diff's means are over.")
  var topShare = 0.2

  @Option(parsing: .unconditional, help: "Cells beside an edge that count in box-diff.")
  var cornerWidth = 1

  @Option(
    parsing: .unconditional, help: "Weight of what words must not be in predicated-diffusion.")
  var leakWeight = 0.3

  @Option(parsing: .unconditional, help: "How often initno draws noise.")
  var searchRounds = 5

  @Option(parsing: .unconditional, help: "Steps of initno's search from each.")
  var searchSteps = 10

  @Option(parsing: .unconditional, help: "Steps of it from the best, if none is good enough.")
  var finalSearchSteps = 50

  @Option(parsing: .unconditional, help: "Rate of initno's search.")
  var searchRate = 0.01

  @Option(parsing: .unconditional, help: "How far its noise may be from normal noise.")
  var searchDivergence = 0.001

  @Option(parsing: .unconditional, help: "What initno's score of cross-attention must fall below.")
  var responseTarget = 0.2

  @Option(parsing: .unconditional, help: "What initno's score of self-attention must fall below.")
  var conflictTarget = 0.3

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

  /// Refuses what none of the methods reads.
  func refuseUnread(by entries: [MethodEntry]) throws {
    func refuse(_ option: String, _ isGiven: Bool, _ reads: (MethodEntry) -> Bool) throws {
      guard isGiven, !entries.contains(where: reads) else { return }
      let readers = MethodRegistry.entries.filter(reads).map(\.name).joined(separator: ", ")
      throw Failure(.usage, "\(option) is read by \(readers), none of which is asked for")
    }
    try refuse("--objective", objective != nil) { $0.name == "objective" }
    try refuse("--box", !box.isEmpty) { MethodRegistry.boxMethods.contains($0.name) }
    try refuse("--groups", groups != nil) { MethodRegistry.groupMethods.contains($0.name) }
  }

  /// The groups that were given; without any, those of `phrases`.
  func wordGroups(_ phrases: [NounPhrase], in table: TokenTable) throws -> [WordGroup] {
    guard let groups else {
      return phrases.map { phrase in
        WordGroup(
          noun: SubjectSelection.subject(phrase.noun, in: table),
          modifiers: phrase.modifiers.map { SubjectSelection.subject($0, in: table) })
      }
    }
    return try groups.split(separator: ";", omittingEmptySubsequences: false).map { text in
      let names = text.split(separator: " ").map(String.init)
      guard !names.isEmpty else {
        throw Failure(
          .usage, "--groups is '\(groups)'; expected words, as in \"red car; white sheep\"")
      }
      let words = try SubjectSelection.subjects(named: names, in: table)
      return WordGroup(noun: words[words.count - 1], modifiers: words.dropLast())
    }
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
    settings.rounds = searchRounds
    settings.steps = searchSteps
    settings.finalSteps = finalSearchSteps
    settings.rate = searchRate
    settings.divergence = searchDivergence
    return settings
  }
}

extension ObjectiveForm: ExpressibleByArgument {}

/// Refuses a number out of the range of an option.
func check<Value: Comparable>(
  _ option: String, _ value: Value, in range: ClosedRange<Value>
) throws {
  guard range.contains(value) else {
    throw Failure(
      .usage, "\(option) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
  }
}
