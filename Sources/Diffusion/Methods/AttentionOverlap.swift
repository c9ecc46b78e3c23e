package import AttentionTrace
private import Foundation
package import PromptText
internal import TensorEngine

/// Four losses on how far subjects' maps overlap.
///
/// Marioriyad, Banayeeanzade, Abbasi, Rohban & Baghshah, Attention Overlap Is Responsible for The
/// Entity Missing Problem, arXiv 2410.20972, which names the measures; as they are written here, P
/// is a subject's A over its sum and the mean is over pairs of subjects:
///
/// | here | there |
/// | --- | --- |
/// | `intersectionOverUnion` | IoU: mean Σ min(P_a, P_b) / (Σ P_a + Σ P_b − Σ min(P_a, P_b)) |
/// | `centreDistance` | CoM: 1 − mean ‖c_a − c_b‖ / D; c the centre of P in cells, D the diagonal |
/// | `divergence` | KL: −mean ½ [KL(P_a ‖ P_b) + KL(P_b ‖ P_a)] |
/// | `compactness` | CC: 1 − Σ_i max_s A_s[i] / Σ_i Σ_s A_s[i], pixels as clusters of one subject |
public struct AttentionOverlap: GradientMethod {
  /// The measure of overlap.
  public let measure: Measure
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule(thresholds: [:])

  /// A method by its measure.
  public init(_ measure: Measure) { self.measure = measure }

  public var name: String { measure.rawValue }
  public var title: String {
    switch measure {
    case .intersectionOverUnion: "Overlap (IoU)"
    case .centreDistance: "Overlap (centres)"
    case .divergence: "Overlap (KL)"
    case .compactness: "Overlap (compactness)"
    }
  }
  public var summary: String {
    let less =
      switch measure {
      case .intersectionOverUnion: "a smaller intersection over union"
      case .centreDistance: "a larger distance of their centres"
      case .divergence: "a larger Kullback–Leibler divergence"
      case .compactness: "pixels that each belong to one subject"
      }
    return "Less overlap of subjects' maps, by \(less) (Marioriyad et al., arXiv 2410.20972)."
  }
  public var needsSubjects: Bool { true }

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(subjects: run.subjects, measure: measure, reading: run.reading(smoothing))
  }

  /// Which of the four.
  public enum Measure: String, Hashable, Sendable, CaseIterable {
    /// Soft intersection over union.
    case intersectionOverUnion = "overlap-iou"
    /// Distance of the centres of mass.
    case centreDistance = "overlap-centres"
    /// Kullback and Leibler's divergence.
    case divergence = "overlap-kl"
    /// How far each pixel belongs to one subject.
    case compactness = "overlap-compactness"
  }
}

extension AttentionOverlap {
  /// The loss of one of the measures.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// Which loss.
    package let measure: Measure
    /// How maps are read.
    package let reading: MapReading

    /// The overlap of the maps of `subjects`, by `measure`.
    package init(subjects: [Subject], measure: Measure, reading: MapReading) {
      self.subjects = subjects
      self.measure = measure
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, or there is but one
    ///   subject.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try DiffusionError.require(
        subjects.count > 1, "the number of subjects", String(subjects.count), "2 or more")
      return try reading.sites(among: sites, for: subjects)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let loss =
        switch measure {
        case .intersectionOverUnion: meanOverPairs(read, Self.intersectionOverUnion)
        case .centreDistance: meanOverPairs(read, centreNearness)
        case .divergence:
          meanOverPairs(read) { MapDistance.symmetricDivergence($0, $1) }.affine(scale: -1)
        case .compactness: Self.spread(subjects.map(read.raw))
        }
      return ObjectiveValue(loss: loss, scores: read.scores(of: subjects))
    }

    private func meanOverPairs(
      _ read: TokenMaps, _ measure: (Tensor, Tensor) -> Tensor
    ) -> Tensor {
      let maps = subjects.map(read.distribution)
      return .mean(maps.indices.flatMap { b in (0..<b).map { measure(maps[$0], maps[b]) } })
    }

    private static func intersectionOverUnion(_ a: Tensor, _ b: Tensor) -> Tensor {
      let shared = Tensor.lesser(a, b).sum
      return shared / ((a + b).sum - shared).floored(at: MapDistance.floor)
    }

    private func centreNearness(_ a: Tensor, _ b: Tensor) -> Tensor {
      let (rows, columns) = (reading.grid.rows, reading.grid.columns)
      func offset(_ place: (Int) -> Int) -> Tensor {
        let places = Tensor((0..<rows * columns).map { Float(place($0)) }, shape: [rows * columns])
        let distance = ((a - b) * places).sum
        return distance * distance
      }
      let square = offset { $0 / columns } + offset { $0 % columns }
      let diagonal = hypot(Float(rows - 1), Float(columns - 1))
      return square.floored(at: 1e-8).squareRoot.affine(scale: -1 / max(diagonal, 1), offset: 1)
    }

    private static func spread(_ maps: [Tensor]) -> Tensor {
      let own = maps.dropFirst().reduce(maps[0], Tensor.greater).sum
      let all = Tensor.total(maps).sum
      return (all - own) / all.floored(at: MapDistance.floor)
    }
  }
}
