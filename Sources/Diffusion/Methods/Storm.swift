package import AttentionTrace
public import PromptText
internal import TensorEngine

/// STORM: two subjects keep apart in the direction that the prompt says, and colours keep to their nouns.
///
/// Han, Lim & Kim, STORM: Spatial Transport Optimization by Repositioning Attention Map for Training-Free
/// Text-to-Image Synthesis, CVPR 2025, from the authors' code:
///
/// | here | there |
/// | --- | --- |
/// | ``DirectionalOverlap`` | L_s + L_o |
/// | `attributes` | L_adj: the mean cost of transport of a noun's map to its modifier's, from iteration 7 on |
/// | `distance` | C[p, q] = ½ of the distance of two cells and ½ of that of their numbers, over the largest |
///
/// The code transports each map to a target on the right side; its cost does not depend on where mass goes, so that
/// the plan is the product of the maps, and L_s + L_o a sum in closed form, which is taken here. ``Form/sinkhorn`` makes
/// the iterations all the same, as the code does; there their bounds leave out what costs more than about 2.4, and
/// cells are apart by their numbers in a row. What is an error in the code is done rightly in both: "right" and "below"
/// had the roles of "left" and "above", "above" compared rows with columns, directions were found inside other words
/// ("stop", "bright"), and refinement was made only where the order was right already.
///
/// - Reference: github.com/MICV-yonsei/STORM `pipeline.py`.
public struct Storm: GradientMethod {
  /// How the cost of transport is found.
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// As a sum.
    case closed
    /// By Sinkhorn's iterations, as in the published code.
    case sinkhorn
  }

  /// Where the first subject should be of the second.
  public enum Direction: String, Hashable, Sendable, CaseIterable {
    case left, right, above, below
    /// Anywhere else.
    case apart

    /// Where the second is of the first.
    fileprivate var reversed: Direction {
      switch self {
      case .left: .right
      case .right: .left
      case .above: .below
      case .below: .above
      case .apart: .apart
      }
    }
  }

  public let name = "storm"
  public let title = "STORM"
  public let summary =
    "STORM (Han et al., CVPR 2025): two subjects keep apart, in the direction that the prompt says."
  /// Where the first subject should be of the second; `nil` for what the prompt says.
  public var direction: Direction?
  /// How the cost of transport is found.
  public var form = Form.closed
  public var smoothing = MapSmoothing()
  public var schedule: GradientSchedule = {
    var schedule = GradientSchedule.published(thresholds: [5: 0.95, 10: 0.99, 15: 0.995, 20: 0.999])
    schedule.maxRefinementSteps = 30
    (schedule.firstIteration, schedule.longestGradient) = (1, 1)
    return schedule
  }()

  /// The published knobs.
  public init() {}

  public var needsSubjects: Bool { true }

  public static let knobs: [Knob<Storm>] =
    [
      .choice(
        "direction", \.direction,
        "Where the first subject should be of the second. (default: what the prompt says by "
          + directionWords.map(\.key).joined(separator: ", ") + ")"),
      .choice(
        "storm-form", \.form,
        "How the cost of transport is found: as a sum, or by Sinkhorn's iterations as in the published code, "
          + "where cells are apart by their numbers in a row."),
    ] + scheduleKnobs

  public func resolved(for run: PlannedRun) throws -> Self {
    var method = withStepSize(for: run)
    method.direction = direction ?? Self.direction(in: run)
    return method
  }

  /// The two things of the prompt, if it has two.
  public func nouns(in prompt: TokenTable) throws -> [Subject]? {
    let nouns = WordGroup.things(in: prompt).map(\.noun)
    return nouns.count == 2 ? nouns : nil
  }

  /// What its schedule comes to in a run of a few steps, and where the first subject should be.
  public func notes(for run: PlannedRun) -> [MethodNote] {
    let names = run.subjects.map(\.name)
    guard let direction, names.count == 2 else { return scheduleNotes(for: run) }
    let place =
      switch direction {
      case .left, .right: "should be to the \(direction.rawValue) of the \(names[1])"
      case .above, .below: "should be \(direction.rawValue) the \(names[1])"
      case .apart: "and the \(names[1]) should be apart, in no direction"
      }
    return scheduleNotes(for: run) + [MethodNote("\(name): the \(names[0]) \(place)")]
  }

  /// Words that say a direction.
  private static let directionWords: KeyValuePairs<String, Direction> = [
    "left": .left, "right": .right, "above": .above, "over": .above, "top": .above, "atop": .above,
    "below": .below, "under": .below, "underneath": .below, "beneath": .below, "bottom": .below,
  ]
  /// Of these the names of places: before "of" and the like they relate two things, as the others always do.
  private static let places: Set<String> = ["left", "right", "top", "bottom"]
  private static let relating: Set<String> = ["of", "side", "hand"]
  /// What stands between the places of two things.
  private static let separators: Set<String> = ["and", ",", ";", ".", "with", "while", "but"]

  /// Where the first subject should be of the second, as the prompt says it.
  ///
  /// The last relation between them counts, as in "a cat to the left of a frog"; else the place that stands before
  /// both, as in "on the left a cat, on the right a frog"; else one between them, which is that of the subject on
  /// its side of an "and" or a comma.
  private static func direction(in run: PlannedRun) -> Direction {
    guard run.subjects.count == 2, let first = run.subjects[0].tokens.last,
      let second = run.subjects[1].tokens.first
    else { return .apart }
    let words = run.prompt.words
    let (earlier, later) = (min(first, second), max(first, second))
    let said = words.indices.compactMap { index -> (place: Int, direction: Direction)? in
      guard let token = words[index].tokens.first, token < later, token != earlier else {
        return nil
      }
      return directionWords.first { $0.key == words[index].text }.map { (index, $0.value) }
    }
    func isRelation(_ index: Int) -> Bool {
      !places.contains(words[index].text)
        || (index + 1 < words.count && relating.contains(words[index + 1].text))
    }
    func isBetween(_ index: Int) -> Bool { words[index].tokens[0] > earlier }
    func found() -> Direction? {
      if let last = said.last(where: { isBetween($0.place) && isRelation($0.place) }) {
        return last.direction
      }
      if let before = said.last(where: { !isBetween($0.place) && !isRelation($0.place) }) {
        return before.direction
      }
      guard let last = said.last(where: { isBetween($0.place) }) else { return nil }
      let rest = words[(last.place + 1)...].prefix { ($0.tokens.first ?? later) < later }
      return rest.contains { separators.contains($0.text) }
        ? last.direction : last.direction.reversed
    }
    // Subjects can be named in another order than the prompt's.
    return found().map { first < second ? $0 : $0.reversed } ?? .apart
  }

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    try DiffusionError.require(
      run.subjects.count == 2, "the number of subjects of \(name)", String(run.subjects.count), "2")
    let phrases = NounPhraseFinder.phrases(in: run.prompt).map { WordGroup($0, in: run.prompt) }
    return Loss(
      subjects: run.subjects,
      attributes: run.subjects.flatMap { subject in
        (phrases.first { $0.noun.tokens == subject.tokens }?.modifiers ?? []).map { (subject, $0) }
      },
      direction: direction.flatMap { DirectionalOverlap.Direction(rawValue: $0.rawValue) },
      form: form, reading: run.reading(smoothing))
  }
}

extension Storm {
  /// The loss of the table above.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// Nouns with a modifier each.
    package let attributes: [(noun: Subject, modifier: Subject)]
    /// How the cost of transport is found.
    package let form: Form
    /// How maps are read.
    package let reading: MapReading
    private let overlap: DirectionalOverlap

    /// The loss of two subjects.
    package init(
      subjects: [Subject], attributes: [(noun: Subject, modifier: Subject)] = [],
      direction: DirectionalOverlap.Direction?, form: Form = .closed, reading: MapReading
    ) {
      self.subjects = subjects
      self.attributes = attributes
      self.form = form
      self.reading = reading
      overlap = DirectionalOverlap(subjects[0], subjects[1], direction, reading: reading)
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try reading.sites(
        among: sites, for: subjects + attributes.map(\.modifier), cellByCell: true)
    }

    /// The iteration from which attributes count.
    private static let firstOfAttributes = 7

    /// The loss of one pass.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let own = overlap.distributions(read)
      var loss = Tensor.total(
        zip(own.indices, overlap.costs(own, step: maps.step)).map { place, weights in
          let cost = own[1 - place] * weights
          guard form == .sinkhorn else { return (own[place] * cost).sum }
          // The cost does not depend on the target: any distribution is as good as another.
          let pixels = cost.count
          let rows = cost.reshaped([1, 1, pixels, 1]).weighted(
            .full(1, shape: [1, 1, pixels]), heads: 1)
          return Transport.cost(
            from: own[place], to: own[1 - place].detached, rows.reshaped([pixels, pixels]))
        })
      if maps.step >= Self.firstOfAttributes, !attributes.isEmpty {
        loss =
          loss
          + .mean(
            attributes.map { noun, modifier in
              let place = subjects.firstIndex(of: noun) ?? 0
              let map = read.renormalised(modifier)
              return binding(own[place], map / map.sum.affine(scale: 1, offset: 1e-8))
            })
      }
      return ObjectiveValue(loss: loss, scores: read.scores(of: subjects))
    }

    /// The cost of transport of a noun's map to its modifier's.
    private func binding(_ noun: Tensor, _ modifier: Tensor) -> Tensor {
      let pixels = noun.count
      let ones = Tensor.full(1, shape: [1, 1, pixels])
      func column(_ map: Tensor) -> Tensor { map.reshaped([1, 1, pixels, 1]) }
      let difference =
        column(noun).weighted(ones, heads: 1)
        - ones.reshaped([1, 1, pixels, 1]).weighted(modifier.reshaped([1, 1, pixels]), heads: 1)
      let cost = (distances + difference.magnitude.reshaped([pixels, pixels])).affine(scale: 0.5)
      return Transport.cost(from: noun, to: modifier, cost / cost.maximum)
    }

    /// The distance of every two cells, `[pixel, pixel]`; in the code's form of their places in a row.
    private var distances: Tensor {
      let columns = reading.grid.columns
      let places = 0..<reading.grid.pixels
      return Tensor(
        places.flatMap { p in
          places.map { q in
            guard form == .closed else { return Float(abs(p - q)) }
            let (y, x) = (Float(p / columns - q / columns), Float(p % columns - q % columns))
            return (y * y + x * x).squareRoot()
          }
        }, shape: [places.count, places.count])
    }
  }
}
