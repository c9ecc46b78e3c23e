package import AttentionTrace
package import PromptText
internal import TensorEngine

/// EBAMA: attributes lie where their object does, and every object is attended to.
///
/// Zhang, Ding, Fan, Liu, Ye & Wang, Object-Conditioned Energy-Based Attention Map Alignment, ECCV
/// 2024, section 4:
///
/// | here | there |
/// | --- | --- |
/// | `groups` | objects s with their attributes A(s) |
/// | `distance` | 1 − cos(A_m, A_n), the largest over the pieces of words |
/// | `attributes` | the attribute-object loss: Σ_m dist(m, n) − mean_u dist(n, u) for each pair |
/// | `intensity` | the object loss −Σ_n max B̃_n |
/// | `intensityWeight` | λ |
/// | `loss` | L = attributes + λ · intensity |
///
/// Only the noun is kept away from other words. A noun without modifiers is, too, unless
/// ``readsBareNouns`` is false.
public struct EBAMA: GroupMethod {
  public let name = "ebama"
  public let title = "EBAMA"
  public let summary =
    "EBAMA (Zhang et al., ECCV 2024): attributes lie where their object does, and every object is "
    + "attended to."
  public var groups: [[String]]?
  /// λ.
  public var intensityWeight = 0.5
  /// Whether a noun without modifiers is kept away from the other words.
  public var readsBareNouns = true
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule.published(
    maxIterations: 26, thresholds: [:], scaleRange: [1, 1])

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<EBAMA>] =
    [
      .number("intensity-weight", \.intensityWeight, in: 0...1e6, "Weight of the object loss."),
      .toggle("bare-nouns", \.readsBareNouns, "Include nouns without modifiers."),
    ] + groupKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(
      subjects: run.subjects, groups: try wordGroups(in: run.prompt), content: run.content,
      readsBareNouns: readsBareNouns, intensityWeight: Float(intensityWeight),
      reading: run.reading(smoothing))
  }
}

extension EBAMA {
  /// The energy of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Objects with their attributes.
    package let groups: [WordGroup]
    /// Every token between the start and the end token.
    package let content: [Int]
    /// Whether a noun without modifiers is kept away from the other words.
    package let readsBareNouns: Bool
    /// λ.
    package let intensityWeight: Float
    /// How maps are read.
    package let reading: MapReading

    /// The loss that binds the attributes of `groups` to their objects, with `subjects` measured.
    package init(
      subjects: [Subject], groups: [WordGroup], content: [Int], readsBareNouns: Bool = true,
      intensityWeight: Float = 0.5, reading: MapReading
    ) {
      self.subjects = subjects
      self.groups = groups
      self.content = content
      self.readsBareNouns = readsBareNouns
      self.intensityWeight = intensityWeight
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try WordRepulsion.validate(groups, content, readsBareNouns: true)
      return try reading.sites(among: sites, for: subjects + groups.words)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let words = WordRepulsion(maps: read, content: content) {
        MapDistance.cosineSimilarity($0, $1).affine(scale: -1, offset: 1)
      }
      let attributes = groups.flatMap { group -> [Tensor] in
        let away = words.away(group.noun, from: group)
        guard !group.modifiers.isEmpty else {
          return readsBareNouns ? [away.affine(scale: -1)] : []
        }
        return group.modifiers.map { words.distance($0, group.noun) - away }
      }
      // A noun's first piece alone, as published.
      let intensity = groups.nouns.map { noun in
        read.smoothed(noun.tokens[0]).maximum.affine(scale: -intensityWeight)
      }
      return ObjectiveValue(
        loss: .total(attributes + intensity), scores: read.scores(of: subjects))
    }
  }
}
