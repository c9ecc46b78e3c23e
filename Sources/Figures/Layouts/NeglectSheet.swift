package import AttentionAnalysis
package import Pictures
internal import PromptText

/// Runs ranked by their weakest subject: pictures, maps on one shared scale, and verdicts.
public struct NeglectSheet: Sendable {
  /// How many cases are shown unless a number is asked for.
  public static let defaultCases = 12

  /// A subject of a case.
  package struct Subject: Sendable {
    package var name: String
    /// As in `token 2`.
    package var tokens: String
    /// The mean of its largest attention over the judged steps; NaN if nothing was measured.
    package var late: Float
    package var verdict: NeglectVerdict
    /// Why, with the numbers that led to it.
    package var reason: String
    /// Its map; `nil` if none was recorded.
    package var map: HeatMap?

    package init(
      name: String, tokens: String, late: Float, verdict: NeglectVerdict, reason: String,
      map: HeatMap?
    ) {
      self.name = name
      self.tokens = tokens
      self.late = late
      self.verdict = verdict
      self.reason = reason
      self.map = map
    }
  }

  /// The same noise with another method.
  package struct Other: Sendable {
    /// As in `Attend-and-Excite`.
    package var method: String
    package var image: Picture
    /// What became of the subjects.
    package var words: String

    package init(method: String, image: Picture, words: String) {
      self.method = method
      self.image = image
      self.words = words
    }
  }

  /// A run that is shown.
  package struct Case: Sendable {
    package var prompt: String
    /// As in `Attend-and-Excite`.
    package var method: String
    package var seed: UInt64
    package var image: Picture
    /// In the order of the prompt; one at least.
    package var subjects: [Subject]
    /// What other methods made of the same noise.
    package var others: [Other]

    package init(
      prompt: String, method: String, seed: UInt64, image: Picture, subjects: [Subject],
      others: [Other] = []
    ) {
      self.prompt = prompt
      self.method = method
      self.seed = seed
      self.image = image
      self.subjects = subjects
      self.others = others
    }
  }

  /// The cases that are shown, the most neglected first.
  package var cases: [Case]
  /// What is left out, and how often each method neglected a subject, a sentence each.
  package var notes: [String]
  /// The levels that verdicts follow.
  package var criteria: NeglectCriteria
  /// What the maps' colours measure.
  package var quantity: String
  package var metadata: Scene.Metadata

  package init(
    cases: [Case], notes: [String], criteria: NeglectCriteria = NeglectCriteria(),
    quantity: String, metadata: Scene.Metadata
  ) {
    self.cases = cases
    self.notes = notes
    self.criteria = criteria
    self.quantity = quantity
    self.metadata = metadata
  }

  /// All maps, case by case.
  var maps: [HeatMap] { cases.flatMap { $0.subjects.compactMap(\.map) } }

  /// The prompt of all cases; `nil` if they have several.
  var commonPrompt: String? {
    let prompts = Set(cases.map(\.prompt))
    return prompts.count == 1 ? prompts.first : nil
  }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard !cases.isEmpty else { throw FigureError.inconsistentSheet("no case to show") }
    for one in cases where one.subjects.isEmpty {
      throw FigureError.inconsistentSheet("\(one.method), seed \(one.seed): no subject")
    }
  }
}
