package import AttentionTrace
package import PromptText
internal import TensorEngine

/// FOCUS: each step's prediction is corrected down the gradient of how far the maps of groups overlap.
///
/// Bill, Simsar & Hofmann, Optimal Control Meets Flow Matching: A Principled Route to Multi-Subject Fidelity,
/// arXiv 2510.02315:
///
/// | here | there |
/// | --- | --- |
/// | ``MapSeparation/divergence(_:)`` | J of the cubed maps over their sums, q_t = Q_t³ / Σ Q_t³ |
/// | ``MapSeparation/loss(_:_:)`` | ½ [ mean over groups of J(its tokens) + 1 − J(means of groups) ] |
/// | `strength` | λ |
///
/// Maps are those of ``MapReading`` before renormalisation, under a Gaussian of one cell. The authors correct the
/// velocity of flow models; on a model of noise see ``NoiseCorrection``. Their code for Flux subtracts what it
/// should add; nothing of it is done here.
///
/// - Reference: github.com/ericbill21/FOCUS `src/losses.py` and `src/controller.py`.
public struct Focus: WordGrouping {
  public let name = "focus"
  public let title = "FOCUS"
  public let summary =
    "FOCUS (Bill et al., 2025): corrects the predicted noise by how far groups of words overlap."
  public var groups: [[String]]?
  /// λ.
  public var strength = 1.0

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<Focus>] = [
    groupsKnob,
    .number(
      "focus-strength", \.strength, in: 0...1e6,
      "Weight of the correction; the authors advise 1 to 5."),
  ]

  public func looks(at step: Int) -> [MethodLook] { [MethodLook(.loss)] }

  public func resolved(for run: PlannedRun) throws -> Self {
    try namingGroups(in: run.prompt)
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    let loss = Loss(
      subjects: run.subjects, groups: try wordGroups(in: run.prompt).map(\.words),
      reading: run.reading(MapSmoothing()))
    _ = try loss.sites(among: run.sites)
    return MethodParts(
      correction: NoiseCorrection(
        loss, strength: Float(strength), prediction: run.model.checkpoint.schedule.prediction))
  }
}

extension Focus {
  /// The loss of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Words that belong together.
    package let groups: [[Subject]]
    /// How maps are read for the scores of subjects; for the loss, see ``blurred``.
    package let reading: MapReading

    /// The separation of `groups`, with `subjects` measured.
    package init(subjects: [Subject], groups: [[Subject]], reading: MapReading) {
      self.subjects = subjects
      self.groups = groups
      self.reading = reading
    }

    /// The same reading under a Gaussian of one cell: a kernel's exponent here is d²/4σ².
    private var blurred: MapReading {
      var reading = reading
      (reading.sigma, reading.kernelSize) = (0.5.squareRoot(), 3)
      return reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, or there is nothing to
    ///   part or to join.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try MapSeparation.requireParts(groups)
      return try reading.sites(
        among: sites, for: groups.flatMap(\.self) + subjects, cellByCell: true)
    }

    /// The loss of one pass.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = blurred.read(maps)
      let tokens = groups.map { words in
        words.flatMap(\.tokens).map { read.smoothed(read.raw($0)).flattened }
      }
      return ObjectiveValue(
        loss: MapSeparation.loss(
          tokens.map { $0.map(Self.cubed) }, tokens.map { Self.cubed(.mean($0)) }),
        scores: subjects.isEmpty ? [] : reading.read(maps).scores(of: subjects))
    }

    /// Each number's cube over the sum of them.
    private static func cubed(_ map: Tensor) -> Tensor { (map * map * map).distribution }
  }
}
