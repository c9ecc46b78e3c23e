package import AttentionTrace
package import PromptText
internal import TensorEngine

/// Predicated Diffusion: the prompt is a set of propositions, and a map is the truth of a word by pixel.
///
/// Sueyoshi & Matsubara, Predicated Diffusion, CVPR 2024, section 3, product fuzzy logic:
///
/// | here | there |
/// | --- | --- |
/// | `exists` | ∃x P(x): −log(1 − Π_i (1 − A_P[i])) |
/// | `implication` | ∀x P(x) → Q(x): −Σ_i log(1 − A_P[i] (1 − A_Q[i])) |
/// | `equivalent` | P ↔ Q: both implications |
/// | `excludes` | ∀x P(x) → ¬Q(x): −Σ_i log(1 − A_P[i] A_Q[i]) |
/// | `leakWeight` | α |
///
/// For ∃ the truth is B, for the others A stretched to 0…1. A public copy of the code takes means
/// instead: ``ObjectiveForm/code``, in the exponent of ∃ too, where ∃ counts a tenth, and the
/// propositions of each kind share their weight. Its default makes five more updates in the first
/// iteration: `--thresholds 0=1 --max-first-refinement-steps 5`.
///
/// - Reference: github.com/Fahad16301139/dall-e-with-predicate `pipeline_predicated_diffusion.py`, a
///   copy; the authors' own code is not public.
public struct PredicatedDiffusion: GroupMethod {
  public let name = "predicated-diffusion"
  public let title = "Predicated Diffusion"
  public let summary =
    "Predicated Diffusion (Sueyoshi & Matsubara, CVPR 2024): the prompt's propositions are made true."
  public var groups: [[String]]?
  /// How pixels are summed.
  public var form = ObjectiveForm.code
  /// α, the weight of attributes leaking to other nouns.
  public var leakWeight = 0.3
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule(thresholds: [:])

  /// The knobs of the public copy of the code.
  public init() {}

  /// The published α is for the code's means; over the 16×16 cells of Stable Diffusion's maps it is
  /// this for the paper's sums.
  public var publishedScaleFactor: Double {
    form == .paper ? ObjectiveForm.stepForSums : GradientSchedule.publishedScaleFactor
  }

  public static let knobs: [Knob<PredicatedDiffusion>] =
    [
      .choice("objective-form", \.form, ObjectiveForm.help),
      .number(
        "leak-weight", \.leakWeight, in: 0...1e6, "Weight of attributes leaking to other nouns."),
    ] + groupKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    let groups = try wordGroups(in: run.prompt)
    try WordGroup.requireSome(groups)
    return Loss(
      subjects: run.subjects, propositions: Self.propositions(of: groups), form: form,
      leakWeight: Float(leakWeight), reading: run.reading(smoothing))
  }

  /// A statement of the prompt about its words.
  package enum Proposition: Hashable, Sendable {
    /// There is a P.
    case exists(Subject)
    /// What is P is Q: a thing lies where its owner is.
    case implies(Subject, Subject)
    /// What is P is Q, and the other way round.
    case equivalent(Subject, Subject)
    /// What is P is not Q.
    case excludes(Subject, Subject)

    /// Which of the kinds above.
    fileprivate var kind: Int {
      switch self {
      case .exists: 0
      case .implies: 1
      case .equivalent: 2
      case .excludes: 3
      }
    }

    var words: [Subject] {
      switch self {
      case .exists(let p): [p]
      case .implies(let p, let q), .equivalent(let p, let q), .excludes(let p, let q): [p, q]
      }
    }
  }

  /// What groups of words say: each noun is there, is what its modifiers are, and no modifier is
  /// another group's noun.
  package static func propositions(of groups: [WordGroup]) -> [Proposition] {
    groups.enumerated().flatMap { index, group in
      [.exists(group.noun)] + group.modifiers.map { .equivalent($0, group.noun) }
        + group.modifiers.flatMap { modifier in
          groups.enumerated().filter { $0.offset != index }
            .map { .excludes(modifier, $0.element.noun) }
        }
    }
  }
}

extension PredicatedDiffusion {
  /// The loss of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// The propositions that should be true.
    package let propositions: [Proposition]
    /// How pixels are summed.
    package let form: ObjectiveForm
    /// α, the weight of attributes leaking to other nouns.
    package let leakWeight: Float
    /// How maps are read.
    package let reading: MapReading

    /// The loss of `propositions`, with `subjects` measured.
    package init(
      subjects: [Subject], propositions: [Proposition], form: ObjectiveForm = .paper,
      leakWeight: Float = 0.3,
      reading: MapReading
    ) {
      self.subjects = subjects
      self.propositions = propositions
      self.form = form
      self.leakWeight = leakWeight
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try reading.sites(among: sites, for: propositions.flatMap(\.words) + subjects)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let losses = propositions.map { proposition in
        let loss =
          switch proposition {
          case .exists(let p): exists(read.renormalised(p))
          case .implies(let p, let q): implication(read.raw(p).stretched, read.raw(q).stretched)
          case .equivalent(let p, let q):
            implication(read.raw(p).stretched, read.raw(q).stretched)
              + implication(read.raw(q).stretched, read.raw(p).stretched)
          case .excludes(let p, let q): truth(of: read.raw(p).stretched * read.raw(q).stretched)
          }
        return loss.affine(scale: weight(of: proposition))
      }
      return ObjectiveValue(loss: .total(losses), scores: read.scores(of: subjects))
    }

    /// α for exclusions, in the code's form a tenth for ∃, which all propositions of the kind share.
    private func weight(of proposition: Proposition) -> Float {
      let own: Float =
        switch proposition {
        case .exists: form == .code ? 0.1 : 1
        case .implies, .equivalent: 1
        case .excludes: leakWeight
        }
      guard form == .code else { return own }
      return own / Float(propositions.count { $0.kind == proposition.kind })
    }

    private func exists(_ map: Tensor) -> Tensor {
      let absent: Tensor
      switch form {
      case .paper: absent = map.complement.floored(at: Self.floor).logarithm.sum
      case .code:
        absent = map.affine(scale: -1, offset: 1 + 1e-4).logarithm.sum
          .affine(scale: 1 / Float(map.count))
      }
      return absent.exponential.complement.floored(at: Self.floor).logarithm.affine(scale: -1)
    }

    private func implication(_ p: Tensor, _ q: Tensor) -> Tensor { truth(of: p * q.complement) }

    /// −log(1 − what must not be) over the pixels.
    private func truth(of contradiction: Tensor) -> Tensor {
      contradiction.complement.floored(at: Self.floor).logarithm.sum
        .affine(scale: form == .code ? -1 / Float(contradiction.count) : -1)
    }

    /// Truths below this are taken for it.
    private static let floor: Float = 1e-20
  }
}

extension Tensor {
  /// 1 less each number.
  fileprivate var complement: Tensor { affine(scale: -1, offset: 1) }
}
