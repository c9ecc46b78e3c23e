package import AttentionTrace
package import PromptText
internal import TensorEngine

/// Divide & Bind: every object's map varies, and its attribute's map is like it.
///
/// Li, Keuper, Zhang & Khoreva, Divide & Bind Your Attention, BMVC 2023, equations 4 and 5:
///
/// | here | there |
/// | --- | --- |
/// | `map` | A_s, here B̃ |
/// | `variation` | TV(A_s) = Σ \|A[i+1, j] − A[i, j]\| + \|A[i, j+1] − A[i, j]\| |
/// | `attendance` | L_attend = −min_s TV(A_s) |
/// | `binding` | L_bind = JSD(A_noun ‖ A_attribute), of maps over their sums, summed over the pairs |
/// | `loss` | L = L_attend + L_bind |
///
/// Refinement continues while the smallest TV is below a threshold, by the mean of its differences.
/// The published code computes something else: ``ObjectiveForm/code``. From the formulas alone.
public struct DivideAndBind: GroupMethod {
  public let name = "divide-and-bind"
  public let title = "Divide & Bind"
  public let summary =
    "Divide & Bind (Li et al., BMVC 2023): every object's map varies, and its attribute's map is "
    + "like it."
  public var groups: [[String]]?
  /// The paper's loss or the published code's.
  public var form = ObjectiveForm.paper
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule.published(
    thresholds: [0: 0.05, 10: 0.2, 20: 0.3], maxFirstRefinementSteps: 50)

  /// The published knobs with the paper's loss.
  public init() {}

  /// The published α is for the code's means; over the 16×16 cells of Stable Diffusion's maps it is
  /// this for the paper's sums.
  public var publishedScaleFactor: Double {
    form == .paper ? ObjectiveForm.stepForSums : GradientSchedule.publishedScaleFactor
  }

  public static let knobs: [Knob<DivideAndBind>] =
    [.choice("objective-form", \.form, ObjectiveForm.help)] + groupKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    let groups = try wordGroups(in: run.prompt)
    let reading = run.reading(smoothing)
    return switch form {
    case .paper: Loss(subjects: run.subjects, groups: groups, reading: reading)
    case .code: CodeLoss(subjects: run.subjects, groups: groups, reading: reading)
    }
  }
}

extension DivideAndBind {
  /// The loss as the paper states it; see the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Objects with their attributes.
    package let groups: [WordGroup]
    /// Which of its two losses count.
    package let terms: Set<Term>
    /// How maps are read.
    package let reading: MapReading

    /// One of the two losses.
    package enum Term: Hashable, Sendable, CaseIterable {
      /// L_attend.
      case attend
      /// L_bind.
      case bind
    }

    /// The chosen terms of the paper's loss for `groups`, with `subjects` measured.
    package init(
      subjects: [Subject], groups: [WordGroup], terms: Set<Term> = Set(Term.allCases),
      reading: MapReading
    ) {
      self.subjects = subjects
      self.groups = groups
      self.terms = terms
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try WordGroup.requireSome(groups)
      return try reading.sites(among: sites, for: groups.words + subjects)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let nouns = groups.nouns.map { read.smoothed($0) }
      let attendance = Tensor.largest(nouns.map { Self.variation($0).affine(scale: -1) })
      let least = nouns.map { Self.variation($0, mean: true).item }.min() ?? 0
      let binding = groups.flatMap { group -> [Tensor] in
        group.modifiers.map { modifier in
          MapDistance.jensenShannon(
            read.smoothed(group.noun).flattened.distribution,
            read.smoothed(modifier).flattened.distribution)
        }
      }
      return ObjectiveValue(
        loss: .total(
          (terms.contains(.attend) ? [attendance] : []) + (terms.contains(.bind) ? binding : [])),
        scores: read.scores(of: subjects), shortfall: 1 - least)
    }

    /// Σ of the magnitudes of differences between neighbours of a map `[row, column]`.
    ///
    /// - Parameter mean: whether the mean along each axis is taken instead, as the code's thresholds of
    ///   refinement are for.
    private static func variation(_ map: Tensor, mean: Bool = false) -> Tensor {
      let down = map.sliced(axis: 0, 1..<map.shape[0]) - map.sliced(axis: 0, 0..<map.shape[0] - 1)
      let right = map.sliced(axis: 1, 1..<map.shape[1]) - map.sliced(axis: 1, 0..<map.shape[1] - 1)
      return down.magnitude.sum.affine(scale: mean ? 1 / Float(down.count) : 1)
        + right.magnitude.sum.affine(scale: mean ? 1 / Float(right.count) : 1)
    }
  }
}

extension Tensor {
  /// The numbers in a row, `[number]`.
  var flattened: Tensor { reshaped([count]) }
}

extension DivideAndBind {
  /// The loss as the published code computes it, which is not what the paper states.
  ///
  /// Li, Keuper, Zhang & Khoreva, Divide & Bind Your Attention, BMVC 2023; where the code differs from
  /// the equations that ``Loss`` follows:
  ///
  /// | here | there |
  /// | --- | --- |
  /// | `variation` | means, not sums; each row is compared with the **last** row, not with its neighbour |
  /// | `colour` | the attribute's map comes from the two finer grids, at every 2nd and 4th cell |
  /// | `coverage` | what lies above a share of the noun's largest number after a softmax over pixels |
  /// | `bindingWeight` | c_i = 1, 5, 10 for the iterations 0…9, 10…19, 20… |
  /// | `loss` | L = max_s −(TV(B̃_s) − c_i JSD(s, colour of s)) |
  ///
  /// Refinement continues while the smallest TV is below a threshold. From the formulas alone.
  package struct CodeLoss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// Objects with their attributes.
    package let groups: [WordGroup]
    /// How maps are read.
    package let reading: MapReading

    /// The published code's loss for `groups`, with `subjects` measured.
    package init(subjects: [Subject], groups: [WordGroup], reading: MapReading) {
      self.subjects = subjects
      self.groups = groups
      self.reading = reading
    }

    /// The grids with twice and four times as many rows and columns.
    private var finer: [Grid] {
      [2, 4].map { Grid(rows: $0 * reading.grid.rows, columns: $0 * reading.grid.columns) }
    }

    /// The cross-attentions at the grid and, if a word has an attribute, at the two finer ones.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try WordGroup.requireSome(groups)
      var chosen = try reading.sites(
        among: sites, for: groups.words + subjects, cellByCell: true)
      guard groups.contains(where: { !$0.modifiers.isEmpty }) else { return chosen }
      for grid in finer {
        var reading = reading
        reading.grid = grid
        chosen += try reading.sites(among: sites, for: groups.words)
      }
      return chosen
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let colours =
        groups.contains { !$0.modifiers.isEmpty }
        ? TokenMaps(average: finerAverage(maps), reading: reading) : read
      var least = Float.infinity
      let losses = groups.map { group in
        let noun = read.smoothed(group.noun)
        let variation = Self.variation(noun)
        least = min(least, variation.item)
        let share: Float = variation.item < 0.1 ? 0.3 : 0.2
        let unlikeness = group.modifiers.map { modifier in
          Self.unlikeness(noun, colours.smoothed(modifier), above: share)
        }
        return Tensor.total(unlikeness).affine(scale: bindingWeight(maps.step)) - variation
      }
      return ObjectiveValue(
        loss: .largest(losses), scores: read.scores(of: subjects), shortfall: 1 - least)
    }

    /// c_i.
    private func bindingWeight(_ step: Int) -> Float { step < 10 ? 1 : step < 20 ? 5 : 10 }

    /// The mean of the finer grids' maps at the grid, heads and layers alike, `[pixel, token]`.
    private func finerAverage(_ maps: PassMaps) -> Tensor {
      let grid = reading.grid
      let planes = zip(maps.sites, maps.probabilities).filter {
        $0.0.kind == .cross && finer.contains($0.0.grid)
      }
      .map { site, map in
        map.transposed.reshaped(
          [map.shape[1], map.shape[3], site.grid.rows, site.grid.columns]
        ).upsampledNearest(rows: grid.rows, columns: grid.columns)
      }
      let mean = Tensor.concatenated(planes, axis: 0).meanOverFirstAxis
      return mean.reshaped([mean.shape[0], grid.rows * grid.columns]).transposed
    }

    /// The code's total variation of a map `[row, column]`.
    static func variation(_ map: Tensor) -> Tensor {
      let (rows, columns) = (map.shape[0], map.shape[1])
      let right = map.sliced(axis: 1, 0..<columns - 1) - map.sliced(axis: 1, 1..<columns)
      let last = map.sliced(axis: 0, rows - 1..<rows).reshaped([columns])
      let down = map.sliced(axis: 0, 1..<rows) - last
      return right.magnitude.sum.affine(scale: 1 / Float(right.count))
        + down.magnitude.sum.affine(scale: 1 / Float(down.count))
    }

    /// How unlike a noun's map, both `[row, column]`, a colour's is where they cover the picture.
    private static func unlikeness(_ noun: Tensor, _ colour: Tensor, above share: Float) -> Tensor {
      let scaled = colour.flattened * (noun.maximum / colour.maximum.floored(at: MapDistance.floor))
      let (p, q) = (noun.flattened.softmax(), scaled.softmax())
      let level = p.maximum.affine(scale: share)
      return MapDistance.jensenShannon(coverage(p, above: level), coverage(q, above: level))
    }

    private static func coverage(_ p: Tensor, above level: Tensor) -> Tensor {
      (p - level).rectified.affine(scale: 1, offset: 1e-5)
    }
  }
}
