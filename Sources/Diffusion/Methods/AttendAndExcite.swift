package import AttentionTrace
package import PromptText
internal import TensorEngine

/// Attend-and-Excite: the latent moves until every subject is attended to somewhere.
///
/// Chefer, Alaluf, Vinker, Wolf & Cohen-Or, Attend-and-Excite, SIGGRAPH 2023, algorithm 1:
///
/// | here | there |
/// | --- | --- |
/// | `average` | A_t, the mean map over heads and layers at the grid |
/// | `map` | A_t^s after renormalisation, then smoothed by G |
/// | `largest` | max A_t^s |
/// | `loss` | L = max_s L_s, L_s = 1 − max A_t^s |
///
/// - Reference: github.com/yuval-alaluf/Attend-and-Excite `pipeline_attend_and_excite.py`.
public struct AttendAndExcite: GradientMethod {
  public let name = "attend-and-excite"
  public let title = "Attend-and-Excite"
  public let summary =
    "Attend-and-Excite (Chefer et al., SIGGRAPH 2023): moves the latent until every subject is "
    + "attended to."
  public var schedule: GradientSchedule
  public var smoothing: MapSmoothing

  /// The published method, except for the arguments.
  public init(
    schedule: GradientSchedule = GradientSchedule(), smoothing: MapSmoothing = MapSmoothing()
  ) {
    self.schedule = schedule
    self.smoothing = smoothing
  }

  public var needsSubjects: Bool { true }

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(subjects: run.subjects, reading: run.reading(smoothing))
  }
}

extension AttendAndExcite {
  /// The loss L of the table above; runs of other methods measure it but do not follow it.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// How maps are read.
    package let reading: MapReading
    /// The grid whose maps are read.
    package var grid: Grid { reading.grid }

    /// An objective over `subjects`.
    package init(subjects: [Subject], reading: MapReading) {
      self.subjects = subjects
      self.reading = reading
    }

    /// An objective over `subjects`, with maps read at `grid`.
    ///
    /// - Parameter lastToken: the window's last token in SD 1.x, which keeps the end token and the
    ///   padding in the renormalisation; the end token in SD 2.x, whose encoder draws attention to it.
    package init(
      subjects: [Subject], grid: Grid, pieces: PieceRule, lastToken: Int, sigma: Double?,
      kernelSize: Int
    ) {
      self.init(
        subjects: subjects,
        reading: MapReading(
          grid: grid, lastToken: lastToken, pieces: pieces, sigma: sigma, kernelSize: kernelSize))
    }

    /// The cross-attentions at the grid.
    ///
    /// - Throws: ``DiffusionError`` if no such site exists, or the objective cannot be evaluated there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try reading.sites(among: sites, for: subjects)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let largest = subjects.map(read.largest)
      let losses = largest.map { $0.affine(scale: -1, offset: 1).rectified }
      return ObjectiveValue(loss: .largest(losses), scores: largest.map(\.item))
    }
  }
}
