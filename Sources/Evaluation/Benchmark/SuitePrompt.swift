/// A prompt of a suite, with what its picture is to show.
public struct SuitePrompt: Hashable, Sendable {
  /// The name by which the prompt's runs and scores are found, the folder of its runs.
  public let id: String
  /// The prompt, to the letter.
  public let prompt: String
  /// The part of the suite that it belongs to; `nil` where a suite has none.
  public let subset: String?
  /// The words of what is to be seen, in the prompt's order, without articles and attributes.
  public let subjects: [String]
  /// The attribute of a subject, by subject: its colour, texture or shape.
  public let attributes: [String: String]
  /// What stands where.
  public let relations: [Relation]
  /// The phrases that are asked for one by one, as in "a red car"; `nil` where the suite names none.
  public let phrases: [String]?

  /// A subject's place beside another's.
  public struct Relation: Hashable, Sendable {
    /// The subject whose place it is.
    public let subject: String
    /// The place, as in "left of".
    public let place: String
    /// The subject that it is seen from.
    public let other: String

    /// `subject` `place` `other`, as in "bear", "left of", "car".
    public init(_ subject: String, _ place: String, _ other: String) {
      (self.subject, self.place, self.other) = (subject, place, other)
    }
  }

  /// A prompt of a suite.
  public init(
    id: String, prompt: String, subset: String? = nil, subjects: [String] = [],
    attributes: [String: String] = [:], relations: [Relation] = [], phrases: [String]? = nil
  ) {
    (self.id, self.prompt, self.subset) = (id, prompt, subset)
    (self.subjects, self.attributes) = (subjects, attributes)
    (self.relations, self.phrases) = (relations, phrases)
  }
}

extension SuitePrompt {
  /// The subjects as references to words of the prompt, which tell those that it has several times apart.
  package var references: [String] {
    let words = SubjectWord(in: prompt)
    return subjects.map(words.reference)
  }
}
