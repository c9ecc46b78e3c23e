public import AttentionTrace
public import PromptText
internal import TensorEngine

/// Divide & Bind's objective as the paper states it: every object's map varies, and its attribute's
/// map is like it.
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
/// Refinement goes on while the smallest TV is below a threshold, by the mean of its differences.
/// The published code computes something else: ``DivideAndBindCode``. From the formulas alone.
public struct DivideAndBind: AttentionObjective {
  /// What is measured.
  public let subjects: [Subject]
  /// Objects with their attributes.
  public let groups: [WordGroup]
  /// Which of its two losses count.
  public let terms: Set<Term>
  /// How maps are read.
  public let reading: MapReading

  /// One of the two losses.
  public enum Term: Hashable, Sendable, CaseIterable {
    /// L_attend.
    case attend
    /// L_bind.
    case bind
  }

  /// An objective over `groups`; see the properties.
  public init(
    subjects: [Subject], groups: [WordGroup], terms: Set<Term> = Set(Term.allCases),
    reading: MapReading
  ) {
    self.subjects = subjects
    self.groups = groups
    self.terms = terms
    self.reading = reading
  }

  /// The cross-attentions at the grid.
  /// - Throws: ``DiffusionError`` when there are none, or words cannot be read there.
  public func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
    try WordGroup.requireSome(groups)
    return try reading.sites(among: sites, for: groups.words + subjects)
  }

  /// The loss of one pass; see the table above.
  public func evaluate(_ maps: PassMaps) -> ObjectiveValue {
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
      maxima: read.maxima(of: subjects), shortfall: 1 - least)
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

extension Tensor {
  /// The numbers in a row, `[number]`.
  var flattened: Tensor { reshaped([count]) }
}
