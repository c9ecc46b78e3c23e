package import AttentionTrace
package import PromptText
internal import TensorEngine

/// SynGen: a modifier's map is its noun's, and unlike those of all other words.
///
/// Rassin, Hirsch, Glickman, Ravfogel, Goldberg & Chechik, Linguistic Binding in Diffusion Models,
/// NeurIPS 2023, section 3.2:
///
/// | here | there |
/// | --- | --- |
/// | `groups` | S(P), the syntactic sets of a noun and its modifiers |
/// | `distance` | dist = ½ [KL(P_m ‖ P_n) + KL(P_n ‖ P_m)], the largest over the pieces of words |
/// | `content` without the group | U_v, the words outside the set |
/// | `positive` | L_pos = Σ_(m,n) dist(m, n) |
/// | `negative` | L_neg = −Σ_(m,n) ½ [mean_u dist(n, u) + mean_u dist(m, u)] |
/// | `loss` | L = L_pos + L_neg |
///
/// P is A over the pixels: neither renormalised over the tokens nor smoothed. A noun without
/// modifiers adds −mean_u dist(n, u), or nothing where ``readsBareNouns`` is false, as in the
/// published script unless it is asked for.
///
/// The paper's divergence has no floor; here probabilities below 10⁻¹⁰ are taken for it, so that its
/// slope is finite. The published code (``ObjectiveForm/code``) takes torch's `Categorical`, whose floor
/// is float32's epsilon, 1.19·10⁻⁷.
public struct SynGen: GroupMethod {
  public let name = "syngen"
  public let title = "SynGen"
  public let summary =
    "SynGen (Rassin et al., NeurIPS 2023): a modifier's map is like its noun's and unlike all others."
  public var groups: [[String]]?
  /// Whether a noun without modifiers is kept away from the other words.
  public var readsBareNouns = true
  /// Which floor probabilities have.
  public var form = ObjectiveForm.paper
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule(thresholds: [:], scaleRange: [1, 1])

  /// The published knobs, and bare nouns, which the published script leaves out unless asked.
  public init() {}

  public static let knobs: [Knob<SynGen>] =
    [
      .toggle("bare-nouns", \.readsBareNouns, "Include nouns without modifiers."),
      .choice("objective-form", \.form, ObjectiveForm.help),
    ] + groupKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(
      subjects: run.subjects, groups: try wordGroups(in: run.prompt), content: run.content,
      readsBareNouns: readsBareNouns, form: form, reading: run.reading(smoothing))
  }
}

extension SynGen {
  /// The loss of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Nouns with their modifiers.
    package let groups: [WordGroup]
    /// Every token between the start and the end token.
    package let content: [Int]
    /// Whether a noun without modifiers is kept away from the other words.
    package let readsBareNouns: Bool
    /// Which floor probabilities have.
    package let form: ObjectiveForm
    /// How maps are read.
    package let reading: MapReading

    /// The loss that binds the modifiers of `groups` to their nouns, with `subjects` measured.
    package init(
      subjects: [Subject], groups: [WordGroup], content: [Int], readsBareNouns: Bool = true,
      form: ObjectiveForm = .paper, reading: MapReading
    ) {
      self.subjects = subjects
      self.groups = groups
      self.content = content
      self.readsBareNouns = readsBareNouns
      self.form = form
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try WordRepulsion.validate(groups, content, readsBareNouns: readsBareNouns)
      return try reading.sites(among: sites, for: subjects + groups.words)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let floor = form == .code ? Float.ulpOfOne : MapDistance.floor
      let words = WordRepulsion(maps: read, content: content) {
        MapDistance.symmetricDivergence($0, $1, floor: floor)
      }
      let losses = groups.flatMap { group -> [Tensor] in
        guard !group.modifiers.isEmpty else {
          return readsBareNouns ? [words.away(group.noun, from: group).affine(scale: -1)] : []
        }
        return group.modifiers.map { modifier in
          let positive = words.distance(modifier, group.noun)
          let both = words.away(group.noun, from: group) + words.away(modifier, from: group)
          let negative = both.affine(scale: -0.5)
          return positive + negative
        }
      }
      return ObjectiveValue(loss: .total(losses), scores: read.scores(of: subjects))
    }
  }
}
