package import AttentionTrace
package import PromptText
package import TensorEngine

/// CONFORM: the maps of one group attract each other, across steps too, and repel those of other
/// groups.
///
/// Meral, Simsar, Tombari & Yanardag, CONFORM: Contrast is All You Need, CVPR 2024, section 3.2:
///
/// | here | there |
/// | --- | --- |
/// | `embeddings` | the smoothed maps of t, and of t+1 where there was a step before, as vectors |
/// | `classes` | the group that each belongs to |
/// | `similarity` | sim, the cosine |
/// | `temperature` | τ |
/// | `contrast` | −mean log(e^(s_ap/τ) / (e^(s_ap/τ) + Σ_n e^(s_an/τ))) over positive pairs (a, p) |
/// | `singles` | the loss of groups of one word each: mean (1 − s_ap) + mean s_an |
///
/// Groups of one word each have no positive pair before there is a step before, and NT-Xent is 0
/// there: `singles` parts them all the same. The published code (``ObjectiveForm/code``) has NT-Xent
/// throughout, and `singles` as an option.
///
/// The maps of the step before are constants: those that its noise was predicted with. The published
/// code keeps those of its last look, before the last update of the latent. Its notebook alters 30
/// iterations, where its pipeline has 25.
///
/// - Reference: github.com/gemlab-vt/CONFORM `pipeline_conform.py`, `notebook.ipynb`.
public struct Conform: GroupMethod {
  public let name = "conform"
  public let title = "CONFORM"
  public let summary =
    "CONFORM (Meral et al., CVPR 2024): maps of one group of words attract each other, and repel "
    + "those of other groups."
  public var groups: [[String]]?
  /// Which loss groups of one word have, and which maps are kept of a step.
  public var form = ObjectiveForm.paper
  /// τ.
  public var temperature = 0.5
  /// Whether maps are renormalised over the tokens before they are smoothed.
  public var renormalizes = false
  public var smoothing = MapSmoothing()
  // Its loss is above 0 whatever the maps, so that nothing short of all tries attains 1.
  public var schedule = GradientSchedule.published(thresholds: [0: 1, 10: 1, 20: 1])

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<Conform>] =
    [
      .choice("objective-form", \.form, ObjectiveForm.help),
      .number("temperature", \.temperature, in: 1e-2...1e3, "Temperature of the contrastive loss."),
      .toggle(
        "renormalize", \.renormalizes, "Renormalise maps over the tokens before they are compared."),
    ] + groupKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(
      subjects: run.subjects, groups: try wordGroups(in: run.prompt).map(\.words), form: form,
      temperature: Float(temperature), renormalises: renormalizes, reading: run.reading(smoothing))
  }
}

extension Conform {
  /// The contrastive loss of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Words that belong together.
    package let groups: [[Subject]]
    /// Which loss groups of one word have, and which maps are kept of a step.
    package let form: ObjectiveForm
    /// τ.
    package let temperature: Float
    /// Whether maps are renormalised over the tokens before they are smoothed; those of the paper's
    /// notebook are not.
    package let renormalises: Bool
    /// How maps are read.
    package let reading: MapReading

    /// The contrastive loss over `groups` of words, with `subjects` measured.
    package init(
      subjects: [Subject], groups: [[Subject]], form: ObjectiveForm = .paper,
      temperature: Float = 0.5, renormalises: Bool = false, reading: MapReading
    ) {
      self.subjects = subjects
      self.groups = groups
      self.form = form
      self.temperature = temperature
      self.renormalises = renormalises
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, there is but one
    ///   group, or two have a word in common.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try DiffusionError.require(
        groups.count > 1, "the number of groups", String(groups.count),
        "2 or more, as in --groups \"red car; white sheep\"")
      let words = groups.flatMap(\.self)
      for word in words {
        let places = words.count { $0.tokens == word.tokens }
        try DiffusionError.require(
          places == 1, "the number of groups with the word \(word.name)", String(places),
          "1, because groups repel each other")
      }
      return try reading.sites(among: sites, for: words + subjects, cellByCell: true)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      var embeddings = self.embeddings(read)
      var classes = groups.indices.flatMap { [Int](repeating: $0, count: groups[$0].count) }
      if let before = maps.memory["maps"] {
        embeddings += (0..<before.shape[0]).map {
          before.sliced(axis: 0, $0..<$0 + 1).reshaped([before.shape[1]])
        }
        classes += classes
      }
      let isSingle = form == .paper && groups.allSatisfy { $0.count == 1 }
      return ObjectiveValue(
        loss: (isSingle ? singles : contrast)(embeddings, classes),
        scores: read.scores(of: subjects))
    }

    private func embeddings(_ read: TokenMaps) -> [Tensor] {
      groups.flatMap(\.self).map { word in
        (renormalises ? read.smoothed(word) : read.smoothed(read.raw(word))).flattened
      }
    }

    /// The words' maps.
    package var memoryShapes: [String: [Int]] {
      ["maps": [groups.reduce(0) { $0 + $1.count }, reading.grid.rows * reading.grid.columns]]
    }

    /// Whether the maps of looks are kept, as the published code does.
    package var remembersLooks: Bool { form == .code }

    /// The words' maps: of the pass that predicted the noise, or of the last look before it, which
    /// waits beside those of the step before until the step is over.
    package func remembered(of maps: PassMaps) -> [String: Tensor] {
      func now() -> Tensor {
        let embeddings = embeddings(reading.read(maps)).map { $0.reshaped([1, $0.count]) }
        return Tensor.concatenated(embeddings, axis: 0).detached
      }
      if maps.phase == .denoise { return ["maps": maps.memory["look"] ?? now()] }
      return maps.memory.merging(["look": now()]) { $1 }
    }

    /// NT-Xent over every ordered pair of one class.
    private func contrast(_ embeddings: [Tensor], _ classes: [Int]) -> Tensor {
      let similarity = Self.similarities(embeddings, over: temperature)
      let places = classes.indices
      return .mean(
        places.flatMap { anchor -> [Tensor] in
          let others = places.filter { classes[$0] != classes[anchor] }
            .map { similarity[anchor][$0].exponential }
          let positives = places.filter { $0 != anchor && classes[$0] == classes[anchor] }
          return positives.map { positive in
            let own = similarity[anchor][positive]
            return Tensor.total([own.exponential] + others).logarithm - own
          }
        })
    }

    private func singles(_ embeddings: [Tensor], _ classes: [Int]) -> Tensor {
      let similarity = Self.similarities(embeddings, over: 1)
      var (same, other): ([Tensor], [Tensor]) = ([], [])
      for (a, b) in classes.indices.flatMap({ a in classes.indices.map { (a, $0) } }) where a != b {
        if classes[a] == classes[b] {
          same.append(similarity[a][b].affine(scale: -1, offset: 1).rectified)
        } else {
          other.append(similarity[a][b].rectified)
        }
      }
      return .mean(same) + .mean(other)
    }

    /// s / τ of every two embeddings.
    private static func similarities(_ embeddings: [Tensor], over temperature: Float) -> [[Tensor]]
    {
      embeddings.map { a in
        embeddings.map { MapDistance.cosineSimilarity(a, $0).affine(scale: 1 / temperature) }
      }
    }
  }
}
