package import AttentionTrace
private import Foundation
package import PromptText
internal import TensorEngine

/// The overlap of two subjects' maps, which costs more on the wrong side of the other's centre.
///
/// Han, Lim & Kim, STORM: Spatial Transport Optimization by Repositioning Attention Map for Training-Free
/// Text-to-Image Synthesis, CVPR 2025, from the authors' code:
///
/// | here | there |
/// | --- | --- |
/// | `weight` | w(i) = 1 + 99 (1 − e^(−0.4 i)) at iteration i |
/// | `cost` | f(x) = 1 / (w (c − x)) on the right side of the centre c, w (x − c) on the wrong one |
/// | `loss` | L = Σ A_s A_o f_s + Σ A_o A_s f_o, A the smoothed maps over their sums |
///
/// The code transports each map to a target by Sinkhorn's iterations, but its cost does not depend on where mass
/// goes: the plan is the product of the maps, and the cost this sum, whatever the target. Its "right" has the roles
/// of "left" and its "above" compares columns with rows; here each direction is what it says.
///
/// - Reference: github.com/MICV-yonsei/STORM `pipeline.py`.
package struct DirectionalOverlap: AttentionObjective {
  /// Where the first subject should be of the second.
  package enum Direction: String, Sendable, CaseIterable {
    case left, right, above, below

    /// Whether rows are compared, and not columns.
    fileprivate var isVertical: Bool { self == .above || self == .below }
    /// Whether the first subject should have the smaller numbers.
    fileprivate var isFirst: Bool { self == .left || self == .above }
  }

  /// The two subjects; none is measured.
  private let pair: [Subject]
  private let direction: Direction?
  private let reading: MapReading

  /// The overlap of two subjects, of which the first should be in a `direction` of the second; `nil` for
  /// anywhere else.
  package init(_ first: Subject, _ second: Subject, _ direction: Direction?, reading: MapReading) {
    pair = [first, second]
    self.direction = direction
    self.reading = reading
  }

  package var subjects: [Subject] { [] }

  /// The cross-attentions at the grid.
  /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
  package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
    try reading.sites(among: sites, for: pair, cellByCell: true)
  }

  /// The loss of one pass.
  package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
    let own = distributions(reading.read(maps))
    let both = own[0] * own[1]
    return ObjectiveValue(
      loss: .total(costs(own, step: maps.step).map { (both * $0).sum }), scores: [])
  }

  /// The smoothed maps of both over their sums, `[pixel]` each.
  func distributions(_ read: TokenMaps) -> [Tensor] {
    pair.map { word in
      let map = read.smoothed(word).flattened
      return map / map.sum.affine(scale: 1, offset: Self.floor)
    }
  }

  /// f of each subject at each cell, `[pixel]` each; 1 without a direction.
  func costs(_ own: [Tensor], step: Int) -> [Tensor] {
    guard let direction else { return own.map { .full(1, shape: $0.shape) } }
    let weight = Float(1 + 99 * (1 - exp(-0.4 * Double(step))))
    return [
      cost(centre: centre(own[1]), isBefore: direction.isFirst, weight),
      cost(centre: centre(own[0]), isBefore: !direction.isFirst, weight),
    ]
  }

  private static let floor: Float = 1e-8

  /// Each cell's column, or its row, `[pixel]`.
  private var places: Tensor {
    let columns = reading.grid.columns
    let isVertical = direction?.isVertical ?? false
    return Tensor(
      (0..<reading.grid.pixels).map { Float(isVertical ? $0 / columns : $0 % columns) },
      shape: [reading.grid.pixels])
  }

  /// The expected place of a distribution, a scalar.
  private func centre(_ map: Tensor) -> Tensor { (map * places).sum }

  /// f of each cell, `[pixel]`.
  ///
  /// - Parameter isBefore: whether the right side has the smaller numbers.
  private func cost(centre: Tensor, isBefore: Bool, _ weight: Float) -> Tensor {
    let places = places
    let middle = centre.item
    let isRight = places.values.map { ($0 < middle) == isBefore && $0 != middle }
    func mask(_ side: Bool) -> Tensor {
      Tensor(isRight.map { $0 == side ? 1 : 0 }, shape: places.shape)
    }
    // From a cell to the centre, above 0 on the wrong side.
    let wrong = (places - centre).affine(scale: isBefore ? 1 : -1)
    let right = wrong.affine(scale: -weight, offset: weight * Self.floor) * mask(true)
    let nearness = Tensor.full(1, shape: places.shape) / (right + mask(false))
    return nearness * mask(true)
      + wrong.affine(scale: weight, offset: weight * Self.floor) * mask(false)
  }
}
