package import AttentionTrace
package import PromptText
package import TensorEngine

/// A-STAR: subjects' maps do not overlap, and each stays where it was a step before.
///
/// Agarwal, Karanam, Joseph, Saxena, Goswami & Srinivasan, A-STAR, ICCV 2023, equations 2 to 4:
///
/// | here | there |
/// | --- | --- |
/// | `segregation` | L_seg = Σ_(m>n) Σ min(A_m, A_n) / Σ (A_m + A_n) |
/// | `masks` | B_m, what is high in the map of the step before, or the layout that the user gives |
/// | `retention` | L_ret = Σ_m [1 − Σ min(A_m, B_m) / Σ (A_m + B_m)] |
/// | `loss` | L = L_seg + L_ret |
///
/// The paper does not say which values are high: here, those above a fraction of the map's largest.
public struct AStar: BoxMethod {
  public let name = "a-star"
  public let title = "A-STAR"
  public let summary =
    "A-STAR (Agarwal et al., ICCV 2023): subjects' maps do not overlap, and each stays where it was."
  public var boxes: [WordBox] = []
  /// The share of its largest number from which a map is high.
  public var maskThreshold = 0.5
  public var smoothing = MapSmoothing()
  // Every iteration alters the latent; the step is left open by the paper.
  public var schedule = GradientSchedule(maxIterations: 1000, thresholds: [:])

  /// The published knobs, or Attend-and-Excite's if the paper does not give them.
  public init() {}

  public var needsSubjects: Bool { true }

  public static let knobs: [Knob<AStar>] =
    [
      .number(
        "mask-threshold", \.maskThreshold, in: 0...1,
        "Fraction of a map's largest value above which a cell belongs to the subject.")
    ] + boxKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(
      subjects: run.subjects, maskThreshold: Float(maskThreshold),
      boxes: boxes.isEmpty ? nil : try layout(in: run), reading: run.reading(smoothing))
  }
}

extension AStar {
  /// The sum of the two losses of the table above.
  package struct Loss: AttentionObjective {
    /// What the loss is about.
    package let subjects: [Subject]
    /// The share of its largest number from which a map is high.
    package let maskThreshold: Float
    /// Where each subject should be; `nil` for where it was a step before.
    package let boxes: [LayoutBox]?
    /// Which of its two losses count.
    package let terms: Set<Term>
    /// How maps are read.
    package let reading: MapReading

    /// One of the two losses.
    package enum Term: Hashable, Sendable, CaseIterable {
      /// L_seg.
      case segregation
      /// L_ret.
      case retention
    }

    /// The chosen terms of the loss for `subjects`.
    package init(
      subjects: [Subject], maskThreshold: Float = 0.5, boxes: [LayoutBox]? = nil,
      terms: Set<Term> = Set(Term.allCases), reading: MapReading
    ) {
      self.subjects = subjects
      self.maskThreshold = maskThreshold
      self.boxes = boxes
      self.terms = terms
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, a box covers no
    ///   cell, or there is not one box for each subject.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      if let boxes {
        try boxes.requireCells(at: reading.grid)
        for subject in subjects {
          try DiffusionError.require(
            boxes.contains { $0.isOf(subject) }, "the box of \(subject.name)", "missing",
            "one for each subject, as in --box \(subject.name)=0.1,0.2,0.5,0.9")
        }
        for box in boxes {
          try DiffusionError.require(
            subjects.contains(where: box.isOf), "the box of \(box.subject.name)", "given",
            "boxes of the subjects, which are \(subjects.map(\.name).joined(separator: ", "))")
        }
      }
      return try reading.sites(among: sites, for: subjects)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let own = subjects.map(read.raw)
      let segregation = own.indices.flatMap { m in
        (0..<m).map { MapDistance.sharedMass(own[m], own[$0]) }
      }
      let retention = masks(maps).map { masks in
        zip(own, masks).map { MapDistance.sharedMass($0, $1).affine(scale: -1, offset: 1) }
      }
      return ObjectiveValue(
        loss: .total(
          (terms.contains(.segregation) ? segregation : [])
            + (terms.contains(.retention) ? retention ?? [] : [])),
        scores: read.scores(of: subjects))
    }

    /// B of each subject, `[pixel]`; `nil` where there was no step before.
    private func masks(_ maps: PassMaps) -> [Tensor]? {
      if let boxes {
        return subjects.compactMap { subject in
          boxes.first { $0.isOf(subject) }?.mask(at: reading.grid)
        }
      }
      return maps.memory["masks"].map { masks in
        subjects.indices.map { masks.sliced(axis: 0, $0..<$0 + 1).reshaped([masks.shape[1]]) }
      }
    }

    /// The subjects' masks, unless the user gives them.
    package var memoryShapes: [String: [Int]] {
      boxes == nil
        ? ["masks": [subjects.count, reading.grid.rows * reading.grid.columns]] : [:]
    }

    /// The subjects' masks, unless the user gives them.
    package func remembered(of maps: PassMaps) -> [String: Tensor] {
      guard boxes == nil else { return [:] }
      let read = reading.read(maps)
      let masks = subjects.flatMap { subject -> [Float] in
        let map = read.raw(subject)
        let level = maskThreshold * map.maximum.item
        return map.values.map { $0 >= level ? 1 : 0 }
      }
      return ["masks": Tensor(masks, shape: [subjects.count, masks.count / subjects.count])]
    }
  }
}
