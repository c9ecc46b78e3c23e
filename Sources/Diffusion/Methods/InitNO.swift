package import AttentionTrace
package import PromptText
package import TensorEngine

/// InitNO: searches for initial noise that suits the prompt, then runs Attend-and-Excite from it.
///
/// Guo, Lei, Chen, Zhang & Ding, InitNO: Boosting Text-to-Image Diffusion Models via Initial Noise
/// Optimization, CVPR 2024, section 3.3:
///
/// | here | there |
/// | --- | --- |
/// | `response` | S_CrossAttn = max_s (1 − max B̃_s) |
/// | `conflict` | S_SelfAttn, of the self-attention of each subject's peak: mean Σ min / Σ (a + b) |
/// | `strays` | the largest B̃_s outside of the blob around its peak, if above the blob's least |
/// | `drift` | Σ_s mean \|B̃_s − their running mean\| |
/// | `targets` | τ_CrossAttn and τ_SelfAttn |
///
/// The search for noise, in the first iteration, descends on response + conflict + strays, conflict
/// left out while the response is above ½. It compares looks by response + conflict, with 1 for a
/// conflict that was left out, so that noise just above ½ is not better than noise below it. Later
/// refinement descends on response + conflict + 0.1 strays + 0.1 drift, and every update on the
/// response alone. The running mean is taken once a step, of the pass that predicts its noise; the
/// published code (``ObjectiveForm/code``) takes it at every look, that look among it, and searches
/// otherwise: see ``NoiseSearch``. What is attained is the smaller share of the two targets, 1 once both are.
///
/// - Reference: github.com/xiefan-guo/initno `initno/pipelines/pipeline_sd_initno.py`.
public struct InitNO: GradientMethod {
  public let name = "initno"
  public let title = "InitNO"
  public let summary =
    "InitNO (Guo et al., CVPR 2024): searches for initial noise that suits the prompt, then follows "
    + "Attend-and-Excite's schedule."
  /// How noise is searched for, and when the running mean is taken.
  public var form = ObjectiveForm.paper
  /// The knobs of the search.
  public var search = NoiseSearch.Settings()
  /// The target that the cross-attention score must fall below.
  public var responseTarget = 0.2
  /// The target that the self-attention score must fall below.
  public var conflictTarget = 0.3
  public var smoothing = MapSmoothing()
  // Refinement until both targets are met at these iterations.
  public var schedule = GradientSchedule.published(thresholds: [10: 1, 20: 1])

  /// The published knobs.
  public init() {}

  public var needsSubjects: Bool { true }

  public static let knobs: [Knob<InitNO>] =
    [.choice("objective-form", \.form, ObjectiveForm.help)]
    + NoiseSearch.Settings.knobs.map { $0.lifted(\.search) }
    + [
      .number(
        "response-target", \.responseTarget, in: 1e-6...1,
        "Target of the cross-attention score: it must fall below."),
      .number(
        "conflict-target", \.conflictTarget, in: 1e-6...1,
        "Target of the self-attention score: it must fall below."),
    ] + scheduleKnobs

  /// The search's looks in the first iteration, then the schedule's.
  public func looks(at step: Int) -> [MethodLook] {
    search.looks(at: step) + schedule.looks(at: step)
  }

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    try DiffusionError.require(
      run.request.picture == nil, "the start picture of \(name)", "given",
      "none, because it searches for initial noise")
    return Loss(
      subjects: run.subjects, form: form,
      targets: (Float(responseTarget), Float(conflictTarget)), reading: run.reading(smoothing))
  }

  /// The guide that searches, then follows the schedule.
  public func guide(
    along objective: any AttentionObjective, in run: PlannedRun
  ) throws -> any LatentGuide {
    NoiseSearch(
      GradientDescent(objective, schedule), search, form, scale: try run.initialNoiseScale,
      fresh: run.freshNoise)
  }
}

extension InitNO {
  /// The scores of the table above, and what refinement descends on.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// When the running mean is taken.
    package let form: ObjectiveForm
    /// The targets that the response and the conflict must fall below.
    package let targets: (response: Float, conflict: Float)
    /// How maps are read.
    package let reading: MapReading

    /// The scores of `subjects`, with the targets that they must fall below.
    package init(
      subjects: [Subject], form: ObjectiveForm = .paper,
      targets: (response: Float, conflict: Float) = (0.2, 0.3), reading: MapReading
    ) {
      self.subjects = subjects
      self.form = form
      self.targets = targets
      self.reading = reading
    }

    /// The cross-attentions and the self-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try reading.sites(among: sites, for: subjects, cellByCell: true)
        + reading.sites(.`self`, among: sites, for: subjects, cellByCell: true)
    }

    /// The losses of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let own = subjects.map { read.smoothed($0) }
      let response = Tensor.largest(own.map { $0.maximum.affine(scale: -1, offset: 1) })
      let conflict = conflict(own, maps, read)
      let strays = Tensor.total(own.map(Self.stray))
      var refinement = response + strays.affine(scale: maps.step == 0 ? 1 : 0.1)
      let isConflictLeftOut = response.item > 0.5
      if maps.step > 0 || !isConflictLeftOut { refinement = refinement + conflict }
      if maps.step > 0, let drift = drift(own, maps) {
        refinement = refinement + drift.affine(scale: 0.1)
      }
      let attained = min(
        1, targets.response / max(response.item, MapDistance.floor),
        targets.conflict / max(conflict.item, MapDistance.floor))
      return ObjectiveValue(
        loss: response.rectified, scores: read.scores(of: subjects), refinement: refinement,
        shortfall: 1 - attained,
        searchScore: response.item + (isConflictLeftOut ? 1 : conflict.item))
    }

    private func conflict(_ own: [Tensor], _ maps: PassMaps, _ read: TokenMaps) -> Tensor {
      let attention = maps.average(.`self`, at: reading.grid)  // [pixel, pixel]
      let peaks = own.map { map in
        let peak = map.argmax
        return read.smoothed(
          attention.sliced(axis: 0, peak..<peak + 1).reshaped([attention.shape[1]]))
      }
      return .mean(
        peaks.indices.flatMap { b in
          (0..<b).map { a in
            Tensor.lesser(peaks[a], peaks[b]).sum
              / (peaks[a] + peaks[b]).sum.affine(scale: 1, offset: 1e-6)
          }
        })
    }

    /// The largest number outside of the blob around the peak, if above the blob's least; else 0.
    static func stray(_ map: Tensor) -> Tensor {
      let values = map.values
      let blob = OtsuBlob.around(map.argmax, in: values, columns: map.shape[1])
      let least = values.indices.filter { blob[$0] }.map { values[$0] }.min() ?? 0
      let outside = values.indices.filter { !blob[$0] }
      guard let place = outside.max(by: { values[$0] < values[$1] }), values[place] > least else {
        return .scalar(0)
      }
      return map.sum(of: [place])
    }

    private func drift(_ own: [Tensor], _ maps: PassMaps) -> Tensor? {
      Self.runningMean(maps.memory).map { mean in
        .total(
          own.indices.map { index in
            let before = Self.mean(
              mean.sliced(axis: 0, index..<index + 1).reshaped(own[index].shape),
              own[index].detached, times: form.entries(in: maps.phase))
            return (own[index] - before).magnitude.sum.affine(scale: 1 / Float(before.count))
          })
      }
    }

    /// A running mean with one more map in it, so many times.
    static func mean(_ before: Tensor, _ now: Tensor, times: Int = 1) -> Tensor {
      (0..<times).reduce(before) { mean, _ in mean.affine(scale: 0.9) + now.affine(scale: 0.1) }
    }

    /// The running mean before a pass; `nil` before the first.
    ///
    /// The published code begins refinement with a look at the latent that it has just looked at, which
    /// Heed leaves out. Its maps enter the mean a second time all the same.
    static func runningMean(_ memory: [String: Tensor]) -> Tensor? {
      memory["mean"].map { mean in memory["again"].map { Self.mean(mean, $0) } ?? mean }
    }

    /// Whether the running mean is taken at every look, as the published code does.
    package var remembersLooks: Bool { form == .code }

    /// The running mean of each subject's B̃.
    package var memoryShapes: [String: [Int]] {
      ["mean": [subjects.count, reading.grid.rows * reading.grid.columns]]
    }

    /// 0.9 of the running mean and 0.1 of these maps; in the code's form those of looks, except in the
    /// search.
    package func remembered(of maps: PassMaps) -> [String: Tensor] {
      Self.remembered(of: maps, form) {
        let read = reading.read(maps)
        return Tensor.concatenated(
          subjects.map {
            read.smoothed($0).reshaped([1, reading.grid.rows * reading.grid.columns])
          },
          axis: 0
        ).detached
      }
    }

    /// The running mean after a pass whose maps are `now`, `[subject, pixel]`.
    static func remembered(
      of maps: PassMaps, _ form: ObjectiveForm, _ now: () -> Tensor
    ) -> [String: Tensor] {
      if form == .code {
        if maps.step == 0, maps.phase == .refinement { return maps.memory }
        if maps.phase == .denoise, let mean = maps.memory["mean"] { return ["mean": mean] }
      }
      let now = now()
      var memory = ["mean": runningMean(maps.memory).map { mean($0, now) } ?? now]
      if form == .code, maps.phase == .loss, maps.memory["again"] == nil { memory["again"] = now }
      return memory
    }
  }
}

extension ObjectiveForm {
  /// How often the maps of a look have entered the running mean when its drift is taken: a first look's, which
  /// only refinement follows, as often as in the look that refinement repeats.
  func entries(in phase: Phase) -> Int {
    switch self {
    case .paper: 0
    case .code: phase == .loss ? 2 : 1
    }
  }
}
