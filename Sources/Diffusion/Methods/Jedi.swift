package import AttentionTrace
private import Foundation
package import PromptText
internal import TensorEngine

/// JEDI: the tokens of a group share their cells, and groups do not, at each layer by itself.
///
/// Bill, Simsar & Hofmann, JEDI: The Force of Jensen-Shannon Divergence in Disentangling Diffusion Models,
/// arXiv 2505.19166:
///
/// | here | there |
/// | --- | --- |
/// | `logits` | M, the mean over heads of q·k/√d, `[pixel, token]` |
/// | `distribution` | p_t = softmax over the cells of M_t; of a group that of the mean of its M_t |
/// | ``MapSeparation/divergence(_:)`` | JS of any number of p_t over the logarithm of that number |
/// | `spread` | H = entropy of a group over the logarithm of the number of cells |
///
/// L = mean over layers of mean over groups JS(tokens) + 1 − JS(groups) + 0.01 mean over groups (1 − H), and the
/// latent moves by 0.003 against the sign of the gradient in the first 18 of 28 steps; where the scheduler's latent
/// is larger than what the UNet sees of it, as Euler's, by so much more. The authors' code is of
/// SD 3.5, whose text attends to the picture as well; their page shows SD 1.5, and no code says how. What is done
/// here is the natural reading: the cross-attentions at the grid, one direction. Of a group of one token, whose JS
/// would be 0/0, nothing is parted.
///
/// - Reference: github.com/ericbill21/JEDI `utils.py` and `pipeline.py`.
public struct Jedi: WordGrouping {
  public let name = "jedi"
  public let title = "JEDI"
  public let summary =
    "JEDI (Bill et al., 2025): tokens of a group share their cells, groups do not, layer by layer."
  public var groups: [[String]]?
  /// How far each number of the latent moves.
  public var stepSize = 0.003
  /// Iterations in which the latent is altered; `nil` for 18 of 28.
  public var iterations: Int?

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<Jedi>] = [
    groupsKnob,
    .number("sign-step", \.stepSize, in: 0...100, "How far each number of the latent moves."),
    .integer(
      "sign-iterations", \.iterations, in: 0...1000, standard: "18 of 28",
      "Number of iterations in which the latent is altered."),
  ]

  public var alteredSteps: Int { iterations ?? 0 }

  public func looks(at step: Int) -> [MethodLook] {
    step < alteredSteps ? [MethodLook(.loss)] : []
  }

  public func resolved(for run: PlannedRun) throws -> Self {
    var method = try namingGroups(in: run.prompt)
    let share = (Double(run.timesteps.count) * 18 / 28).rounded()
    method.iterations = iterations ?? Int(share)
    return method
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    let loss = Loss(
      subjects: run.subjects, groups: try wordGroups(in: run.prompt).map(\.words),
      reading: run.reading(MapSmoothing()))
    _ = try loss.sites(among: run.sites)
    let scheduler = try run.model.makeScheduler(run.request)
    let steps = (0..<min(alteredSteps, run.timesteps.count)).map { step in
      Float(stepSize) / scheduler.scaledInput(.scalar(1), at: step).item
    }
    return MethodParts(guide: SignDescent(objective: loss, steps: steps))
  }
}

extension Jedi {
  /// The loss L of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Words that belong together.
    package let groups: [[Subject]]
    /// How maps are read.
    package let reading: MapReading

    /// The separation of `groups`, with `subjects` measured.
    package init(subjects: [Subject], groups: [[Subject]], reading: MapReading) {
      self.subjects = subjects
      self.groups = groups
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try MapSeparation.requireParts(groups)
      return try reading.sites(among: sites, for: groups.flatMap(\.self) + subjects)
    }

    package var readsScores: Bool { true }

    /// The loss of one pass.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      ObjectiveValue(
        loss: .mean(maps.scores.map(layerLoss)),
        scores: subjects.isEmpty ? [] : reading.read(maps).scores(of: subjects))
    }

    /// The loss of a layer's scores, `[1, head, pixel, token]`.
    private func layerLoss(_ scores: Tensor) -> Tensor {
      let logits = PassMaps.average([scores])
      let tokens = groups.map { words in
        words.flatMap(\.tokens).map { logits.sliced(axis: 1, $0..<$0 + 1).flattened }
      }
      let groups = tokens.map { $0.map { Self.distribution($0) } }
      let mixtures = tokens.map { Self.distribution(.mean($0)) }
      let spread = Tensor.mean(
        mixtures.map { map in
          (map * map.affine(scale: 1, offset: MapDistance.floor).logarithm).sum
            .affine(scale: 1 / log(Float(map.count)), offset: 1)
        })
      return MapSeparation.loss(groups, mixtures).affine(scale: 2) + spread.affine(scale: 0.01)
    }

    private static func distribution(_ logits: Tensor) -> Tensor {
      logits.reshaped([1, logits.count]).softmax().flattened
    }
  }
}
