internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The losses that a weighted sum may have, by their names in an expression.
public enum ObjectiveTerm: String, Hashable, Sendable, CaseIterable {
  /// The loss of ``AttendAndExcite``, of words.
  case excite
  /// ``SynGen`` of modifiers and their noun, which is last.
  case syngen
  /// ``EBAMA`` of attributes and their object, which is last.
  case ebama
  /// L_attend of ``DivideAndBind``, of words.
  case vary
  /// L_bind of ``DivideAndBind``, of attributes and their object, which is last.
  case bind
  /// ``Conform`` of groups of words, each with spaces between its words.
  case conform
  /// L_seg of ``AStar``, of words.
  case segregate
  /// L_ret of ``AStar``, of words.
  case retain
  /// ``BoxDiff`` of a word and its box: left, top, right and bottom edge in shares of the picture.
  case box
  /// ∃ of ``PredicatedDiffusion``.
  case exists
  /// → of ``PredicatedDiffusion``.
  case implies
  /// ↔ of ``PredicatedDiffusion``.
  case same
  /// → ¬ of ``PredicatedDiffusion``.
  case excludes
  /// The first of ``AttentionOverlap``.
  case iou
  /// The second of ``AttentionOverlap``.
  case centres
  /// The third of ``AttentionOverlap``.
  case kl
  /// The last of ``AttentionOverlap``.
  case compactness
  /// The conflict of ``SelfCross``, of words.
  case selfcross
  /// The loss of ``Focus``, of groups of words, each with spaces between its words.
  case jsd
  /// ``DirectionalOverlap`` of a word that should be left of another.
  case left
  /// The same to the right.
  case right
  /// The same above.
  case above
  /// The same below.
  case below

  /// How many arguments it takes.
  private var counts: ClosedRange<Int> {
    switch self {
    case .exists: 1...1
    case .implies, .same, .excludes, .left, .right, .above, .below: 2...2
    case .box: 5...5
    case .excite, .vary, .retain, .syngen, .ebama, .jsd: 1...Self.most
    case .bind, .segregate, .conform, .selfcross, .iou, .centres, .kl, .compactness: 2...Self.most
    }
  }

  /// More arguments than a prompt has tokens.
  private static let most = 77

  /// What is wrong with arguments; `nil` for nothing.
  func complaint(about arguments: [String]) -> String? {
    guard counts.contains(arguments.count) else {
      let expected =
        counts.upperBound == Self.most
        ? "\(counts.lowerBound) or more" : "\(counts.lowerBound)"
      return "\(rawValue) takes \(expected) arguments, not \(arguments.count)"
    }
    guard self == .box else { return nil }
    return arguments.dropFirst().allSatisfy { Double($0) != nil }
      ? nil : "box takes a word and four numbers, as in box(cat, 0.1, 0.2, 0.5, 0.9)"
  }
}

extension ObjectiveExpression {
  /// The sum in a run.
  /// - Throws: `TextError` for a word that is not in the prompt, ``DiffusionError`` for a box that
  ///   is none.
  func objective(for run: PlannedRun, reading: MapReading) throws -> WeightedSum.Loss {
    WeightedSum.Loss(
      subjects: run.subjects,
      terms: try terms.map { (Float($0.weight), try $0.objective(for: run, reading)) },
      reading: reading)
  }
}

extension ObjectiveExpression.Term {
  /// The loss in a run; it measures no subjects itself.
  fileprivate func objective(
    for run: PlannedRun, _ reading: MapReading
  ) throws -> any AttentionObjective {
    func words(_ names: [String]) throws -> [Subject] {
      try SubjectSelection.subjects(named: names, in: run.prompt)
    }
    func all() throws -> [Subject] { try words(arguments) }
    func groups() throws -> [[Subject]] {
      try arguments.map { try words($0.split(separator: " ").map(String.init)) }
    }
    func group() throws -> WordGroup {
      let words = try all()
      return WordGroup(noun: words[words.count - 1], modifiers: words.dropLast())
    }
    func predicated(
      _ proposition: ([Subject]) -> PredicatedDiffusion.Proposition
    ) throws -> PredicatedDiffusion.Loss {
      PredicatedDiffusion.Loss(
        subjects: [], propositions: [proposition(try all())], leakWeight: 1, reading: reading)
    }
    func overlap(_ measure: AttentionOverlap.Measure) throws -> AttentionOverlap.Loss {
      AttentionOverlap.Loss(subjects: try all(), measure: measure, reading: reading)
    }
    func divideAndBind(
      _ groups: [WordGroup], _ term: DivideAndBind.Loss.Term
    ) -> DivideAndBind.Loss {
      DivideAndBind.Loss(subjects: [], groups: groups, terms: [term], reading: reading)
    }
    switch kind {
    case .excite: return AttendAndExcite.Loss(subjects: try all(), reading: reading)
    case .syngen:
      return SynGen.Loss(
        subjects: [], groups: [try group()], content: run.content, reading: reading)
    case .ebama:
      return EBAMA.Loss(subjects: [], groups: [try group()], content: run.content, reading: reading)
    case .vary: return divideAndBind(try all().map { WordGroup(noun: $0) }, .attend)
    case .bind: return divideAndBind([try group()], .bind)
    case .conform:
      return Conform.Loss(subjects: [], groups: try groups(), reading: reading)
    case .segregate: return AStar.Loss(subjects: try all(), terms: [.segregation], reading: reading)
    case .retain: return AStar.Loss(subjects: try all(), terms: [.retention], reading: reading)
    case .box:
      let edges = arguments.dropFirst().compactMap { Double($0) }
      let box = try LayoutBox(
        try words([arguments[0]])[0], left: edges[0], top: edges[1], right: edges[2],
        bottom: edges[3])
      return BoxDiff.Loss(subjects: [], boxes: [box], reading: reading)
    case .exists: return try predicated { .exists($0[0]) }
    case .implies: return try predicated { .implies($0[0], $0[1]) }
    case .same: return try predicated { .equivalent($0[0], $0[1]) }
    case .excludes: return try predicated { .excludes($0[0], $0[1]) }
    case .iou: return try overlap(.intersectionOverUnion)
    case .centres: return try overlap(.centreDistance)
    case .kl: return try overlap(.divergence)
    case .compactness: return try overlap(.compactness)
    case .selfcross:
      return SelfCross.Loss(
        subjects: try all(), peakCells: 1, isConflictAlone: true, reading: reading)
    case .jsd:
      let groups = try groups()
      let nouns = groups.compactMap(\.last)
      // It would be parted from itself.
      if let twice = nouns.first(where: { noun in nouns.count { $0.tokens == noun.tokens } > 1 }) {
        throw TextError.sameSubject(first: twice.name, second: twice.name)
      }
      return Focus.Loss(subjects: [], groups: groups, reading: reading)
    case .left, .right, .above, .below:
      let words = try all()
      guard let direction = DirectionalOverlap.Direction(rawValue: kind.rawValue) else {
        bug("a term of no direction")
      }
      return DirectionalOverlap(words[0], words[1], direction, reading: reading)
    }
  }
}
