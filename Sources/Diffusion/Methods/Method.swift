public import AttentionTrace
public import PromptText

/// A way to make a picture, and every knob of it.
///
/// A method is a value: its name and the texts of its knobs say all of it, and are what `run.json`
/// holds. It takes part in a run by its ``parts(for:)``: a guide that moves the latent, an intervention
/// that changes attention, predictions that are combined into the noise.
public protocol Method: Hashable, Sendable {
  /// The name on the command line and in run folders, as in `attend-and-excite`.
  var name: String { get }
  /// The name in figures and reports, as in `Attend-and-Excite`.
  var title: String { get }
  /// One sentence for help: what the method does, and its authors.
  var summary: String { get }
  /// Its settings, in the order in which they are read and listed.
  static var knobs: [Knob<Self>] { get }
  /// Marks in a prompt that it reads.
  var marks: Set<PromptMark> { get }
  /// Knobs of which one must be given, since the method would otherwise change nothing; empty for none.
  static var needsOneOf: [String] { get }
  /// Whether it makes no sense without subjects.
  var needsSubjects: Bool { get }
  /// Iterations in which the latent is altered; 0 for none.
  var alteredSteps: Int { get }
  /// The attention to reach, by iteration; empty if there are no thresholds.
  var thresholds: [Int: Double] { get }
  /// How maps are smoothed before each subject's excitation score is read.
  var smoothing: MapSmoothing { get }
  /// Whether the unconditional prediction is made whatever the weight of guidance, as a method needs
  /// that has ``MethodParts/components``.
  var isAlwaysGuided: Bool { get }
  /// Whether each row of every map it is made with sums to 1.
  var rowsSumToOne: Bool { get }

  /// Every look that it may take at iteration `step` before the noise is predicted, in their order.
  func looks(at step: Int) -> [MethodLook]

  /// Sets the knobs that say what the user marked in the prompt.
  /// - Throws: `TextError` when a mark does not fit the prompt's words.
  mutating func read(_ markup: PromptMarkup, in prompt: TokenTable) throws

  /// The nouns of a prompt that it reads where no subjects are named and the prompt does not make them certain;
  /// `nil` for a method that has to be told.
  /// - Throws: ``DiffusionError`` or `TextError` when its knobs do not fit the prompt.
  func nouns(in prompt: TokenTable) throws -> [Subject]?

  /// The same method with every knob set that it decides by the prompt and the checkpoint.
  /// - Throws: ``DiffusionError`` or `TextError` when a knob does not fit the run.
  func resolved(for run: PlannedRun) throws -> Self

  /// The tokens of other texts that it reads: parts of the prompt, a source prompt.
  func texts(for run: PlannedRun) throws -> [EncodedText]

  /// What it adds to a run whose method it is, resolved.
  /// - Throws: ``DiffusionError`` or `TextError` when the run cannot be made.
  func parts(for run: PlannedRun) throws -> MethodParts

  /// What a user should know of how it takes the run, a line each, as in "parts: a cat | a frog".
  func notes(for run: PlannedRun) -> [MethodNote]
}

extension Method {
  public static var knobs: [Knob<Self>] { [] }
  public static var needsOneOf: [String] { [] }
  public var marks: Set<PromptMark> { [] }
  public var needsSubjects: Bool { false }
  public var alteredSteps: Int { 0 }
  public var thresholds: [Int: Double] { [:] }
  public var smoothing: MapSmoothing { MapSmoothing() }
  public var isAlwaysGuided: Bool { false }
  public var rowsSumToOne: Bool { true }
  public func looks(at step: Int) -> [MethodLook] { [] }
  public mutating func read(_ markup: PromptMarkup, in prompt: TokenTable) throws {}
  public func nouns(in prompt: TokenTable) throws -> [Subject]? { nil }
  public func resolved(for run: PlannedRun) throws -> Self { self }
  public func texts(for run: PlannedRun) throws -> [EncodedText] { [] }
  public func parts(for run: PlannedRun) throws -> MethodParts { MethodParts() }
  public func notes(for run: PlannedRun) -> [MethodNote] { [] }
}

// MARK: - Knobs as texts

extension Method {
  /// The texts of its knobs, by name, without those whose values the method decides.
  public var knobTexts: [String: String] {
    Dictionary(
      Self.knobs.compactMap { knob in knob.text(in: self).map { (knob.name, $0) } },
      uniquingKeysWith: { $1 })
  }

  /// Sets knobs to texts.
  /// - Throws: ``DiffusionError/knob(name:reason:)`` for a name that is not one of its knobs, and for
  ///   a text that is not a valid value.
  public mutating func set(_ texts: [String: String]) throws {
    if let name = texts.keys.sorted().first(where: { name in
      !Self.knobs.contains { $0.name == name }
    }) {
      throw DiffusionError.knob(
        name: name,
        reason: "is not a knob of \(self.name); it has "
          + Self.knobs.map(\.name).sorted().joined(separator: ", "))
    }
    for knob in Self.knobs {
      if let text = texts[knob.name] { try knob.set(text, in: &self) }
    }
  }

  /// Refuses a method of whose knobs one must be given, and none is.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)``.
  package func requireAsked() throws {
    let texts = knobTexts
    guard !Self.needsOneOf.isEmpty, Self.needsOneOf.allSatisfy({ texts[$0] == nil }) else { return }
    throw DiffusionError.invalidRequest(
      what: "what \(name) should do", got: "missing",
      expected: Self.needsOneOf.joined(separator: " or "))
  }

  /// Refuses a knob that was set, in code, to what its text could not say.
  /// - Throws: ``DiffusionError/knob(name:reason:)``.
  func requireReadable() throws {
    var copy = self
    for knob in Self.knobs {
      if let text = knob.text(in: self) { try knob.set(text, in: &copy) }
    }
  }

  /// Descriptions of its knobs.
  public var knobs: [KnobDescription] { Self.knobs.map { KnobDescription($0, in: self) } }

  /// Whether another method is the same one, with the same knobs.
  func isSame(as other: any Method) -> Bool { name == other.name && knobTexts == other.knobTexts }
}
