package import AttentionTrace
package import PromptText
package import TensorEngine

/// Self-Cross guidance: the region that a subject's cells attend to keeps away from the other subjects' maps.
///
/// Qiu, Wang & Tang, Self-Cross Diffusion Guidance for Text-to-Image Synthesis of Similar Subjects, CVPR 2025,
/// equations 5 to 8:
///
/// | here | there |
/// | --- | --- |
/// | `own` | B̃_i, renormalised over the tokens and smoothed |
/// | `mask` | M_i, the cells of B̃_i that Otsu's threshold leaves |
/// | `region` | S_i = Σ_{p in M_i} B̃_i[p] G(Self[p]), over the sum of its weights |
/// | `conflict` | mean over pairs of Σ min(S_i, B̃_j) + Σ min(S_j, B̃_i) |
/// | `response` | max_i (1 − mean of the ``peakCells`` largest B̃_i) |
///
/// The latent follows response + 0.1 strays + conflict, without the conflict while the response is above ½, and
/// refinement also 0.1 drift; what these two are, and the search for noise before, is as in ``InitNO``. The paper's
/// weight of the response is not known to us; the published code has 1. Here B̃_j is a distribution over the cells, as S_i
/// is. The published code (``ObjectiveForm/code``) has B̃_j as it is, with numbers up to 1, at grids of up to 16 rows,
/// divides S_i by its own sum, and takes half of the pairs' sum, as its target of 0.3 is meant: here half of the
/// conflict is held against the target. Once the search is over, it holds the whole loss against the target of the
/// response, and a conflict that is left out against none; its running mean takes in every look after the search.
///
/// The authors' variant on CONFORM, and their schedule for SD 2.x (40 iterations, no search: `--max-iter-to-alter 40
/// --no-search`), are no defaults here.
///
/// - Reference: github.com/mengtang-lab/selfcross-guidance `pipelines/pipeline_sc_initno.py`.
public struct SelfCross: GradientMethod {
  public let name = "self-cross"
  public let title = "Self-Cross"
  public let summary =
    "Self-Cross guidance (Qiu et al., CVPR 2025): what a subject's cells attend to keeps away from the "
    + "other subjects."
  /// How maps are compared, and when the running mean is taken.
  public var form = ObjectiveForm.paper
  /// Whether initial noise is searched for.
  public var searches = true
  /// The knobs of the search.
  public var search = NoiseSearch.Settings()
  /// How many cells make a subject's response.
  public var peakCells = 16
  /// The target that the response must fall below.
  public var responseTarget = 0.2
  /// The target that the conflict must fall below.
  public var conflictTarget = 0.3
  public var smoothing = MapSmoothing()
  // Refinement until both targets are met at these iterations.
  public var schedule = GradientSchedule.published(thresholds: [10: 1, 20: 1])

  /// The published knobs.
  public init() {}

  public var needsSubjects: Bool { true }

  public static let knobs: [Knob<SelfCross>] =
    [
      .choice("objective-form", \.form, ObjectiveForm.help),
      .toggle(
        "search", \.searches,
        "Search for initial noise first, as published for SD 1.x and not for SD 2.x."),
    ]
    + NoiseSearch.Settings.knobs.map { $0.lifted(\.search) }
    + [
      .integer("peak-cells", \.peakCells, in: 1...4096, "Cells that make a subject's response."),
      .number(
        "response-target", \.responseTarget, in: 1e-6...1,
        "Target of the cross-attention score: it must fall below."),
      .number(
        "conflict-target", \.conflictTarget, in: 1e-6...1,
        "Target of the self-attention score: it must fall below."),
    ] + scheduleKnobs

  /// The search's looks in the first iteration, then the schedule's.
  public func looks(at step: Int) -> [MethodLook] {
    (searches ? search.looks(at: step) : []) + schedule.looks(at: step)
  }

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    try DiffusionError.require(
      !searches || run.request.picture == nil, "the start picture of \(name)", "given",
      "none, because it searches for initial noise, or --no-search")
    return Loss(
      subjects: run.subjects, form: form, peakCells: peakCells,
      targets: (Float(responseTarget), Float(conflictTarget)), reading: run.reading(smoothing))
  }

  /// The guide that searches, then follows the schedule.
  public func guide(
    along objective: any AttentionObjective, in run: PlannedRun
  ) throws -> any LatentGuide {
    let descent = GradientDescent(objective, schedule)
    guard searches else { return descent }
    return NoiseSearch(
      descent, search, form, scale: try run.initialNoiseScale, fresh: run.freshNoise)
  }
}

extension SelfCross {
  /// The scores of the table above, and what the latent follows.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// How maps are compared, and when the running mean is taken.
    package let form: ObjectiveForm
    /// How many cells make a subject's response.
    package let peakCells: Int
    /// The targets that the response and the conflict must fall below.
    package let targets: (response: Float, conflict: Float)
    /// Whether the loss is the conflict alone.
    package let isConflictAlone: Bool
    /// How maps are read.
    package let reading: MapReading

    /// The scores of `subjects`, with the targets that they must fall below.
    package init(
      subjects: [Subject], form: ObjectiveForm = .paper, peakCells: Int = 16,
      targets: (response: Float, conflict: Float) = (0.2, 0.3), isConflictAlone: Bool = false,
      reading: MapReading
    ) {
      self.isConflictAlone = isConflictAlone
      self.subjects = subjects
      self.form = form
      self.peakCells = peakCells
      self.targets = targets
      self.reading = reading
    }

    /// The cross-attentions and the self-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, or the grid has fewer
    ///   cells than the response is made of.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try DiffusionError.require(
        peakCells <= reading.grid.pixels, "the number of cells of the response", String(peakCells),
        "at most \(reading.grid.pixels), the cells of \(reading.grid)")
      return try reading.sites(among: sites, for: subjects, cellByCell: true)
        + reading.sites(.`self`, among: sites, for: subjects, cellByCell: true)
    }

    /// The losses of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let own = subjects.map { read.smoothed($0) }
      let conflict = conflict(own, maps, read)
      if isConflictAlone { return ObjectiveValue(loss: conflict, scores: []) }
      let response = Tensor.largest(
        own.map { map in
          map.sum(of: Self.largest(peakCells, of: map.values))
            .affine(scale: -1 / Float(peakCells), offset: 1)
        }
      ).rectified
      let strays = Tensor.total(own.map(InitNO.Loss.stray))
      let isConflictLeftOut = response.item > 0.5
      func sum(strayWeight: Float) -> Tensor {
        let loss = response + strays.affine(scale: strayWeight)
        return isConflictLeftOut ? loss : loss + conflict
      }
      let loss = sum(strayWeight: 0.1)
      var refinement = loss
      if maps.step == 0, maps.phase == .refinement {
        refinement = sum(strayWeight: 1)
      } else if let drift = drift(own, maps, read) {
        refinement = loss + drift.affine(scale: 0.1)
      }
      let isSearch = maps.step == 0 && maps.phase == .refinement
      var measured = (response: response.item, conflict: conflict.item)
      switch form {
      case .paper: measured.conflict /= 2
      case .code:
        if isConflictLeftOut { measured.conflict = 0 }
        if !isSearch { measured.response = loss.item }
      }
      let attained = min(
        1, targets.response / max(measured.response, MapDistance.floor),
        targets.conflict / max(measured.conflict, MapDistance.floor))
      // In the paper's form noise just above ½ is no better than noise below it.
      let left = form == .paper && isConflictLeftOut ? 1 : measured.conflict
      return ObjectiveValue(
        loss: loss, scores: read.scores(of: subjects), refinement: refinement,
        shortfall: 1 - attained, searchScore: response.item + left)
    }

    /// The places of the `count` largest numbers.
    private static func largest(_ count: Int, of values: [Float]) -> [Int] {
      Array(values.indices.sorted { values[$0] > values[$1] }.prefix(count))
    }

    /// A loss of 0 where there is one subject.
    private func conflict(_ own: [Tensor], _ maps: PassMaps, _ read: TokenMaps) -> Tensor {
      guard own.count > 1 else { return .scalar(0) }
      let attention = maps.average(.`self`, at: reading.grid)  // [pixel, pixel]
      let regions = own.map { region($0, attention, read) }
      let isWhole = form == .code && reading.grid.rows <= 16
      let others = own.map { isWhole ? $0 : $0 / $0.sum.affine(scale: 1, offset: 1e-4) }
      let shared = own.indices.flatMap { i in
        own.indices.filter { $0 != i }.map { Tensor.lesser(regions[$0], others[i]).sum }
      }
      // Each pair is there in both orders.
      return form == .code ? .mean(shared) : Tensor.mean(shared).affine(scale: 2)
    }

    /// What the cells of a subject's map attend to, `[row, column]`.
    private func region(_ map: Tensor, _ attention: Tensor, _ read: TokenMaps) -> Tensor {
      let mask = OtsuBlob.mask(of: map.values).map { $0 ? Float(1) : 0 }
      let weights = map.flattened * Tensor(mask, shape: [mask.count])
      let sum = weights.reshaped([1, 1, 1, mask.count]).weighted(
        attention.reshaped([1] + attention.shape), heads: 1)
      let region = read.smoothed(sum.flattened)
      return form == .code
        ? region / region.sum.affine(scale: 1, offset: 1e-4)
        : region / weights.sum.floored(at: MapDistance.floor)
    }

    /// The mean distance of each map from the running mean; `nil` before there is one.
    private func drift(_ own: [Tensor], _ maps: PassMaps, _ read: TokenMaps) -> Tensor? {
      guard let mean = InitNO.Loss.runningMean(maps.memory) else { return nil }
      return .total(
        own.indices.map { index in
          let before = InitNO.Loss.mean(
            mean.sliced(axis: 0, index..<index + 1).reshaped([mean.shape[1]]),
            read.renormalised(subjects[index]).detached, times: form.entries(in: maps.phase))
          return (own[index] - read.smoothed(before)).magnitude.sum
            .affine(scale: 1 / Float(before.count))
        })
    }

    /// Whether the running mean takes in every look, as the published code's does.
    package var remembersLooks: Bool { form == .code }

    /// The running mean of each subject's B, before it is smoothed.
    package var memoryShapes: [String: [Int]] {
      ["mean": [subjects.count, reading.grid.pixels]]
    }

    /// 0.9 of the running mean and 0.1 of these maps: of the pass that predicted the noise, or in the code's form
    /// of every look, except in the search.
    package func remembered(of maps: PassMaps) -> [String: Tensor] {
      InitNO.Loss.remembered(of: maps, form) {
        let read = reading.read(maps)
        return Tensor.concatenated(
          subjects.map { read.renormalised($0).reshaped([1, reading.grid.pixels]) }, axis: 0
        ).detached
      }
    }
  }
}
