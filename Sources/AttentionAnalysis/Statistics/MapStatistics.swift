public import AttentionTrace
internal import Glibc

/// Statistics of one map: its mass, its place and its spread.
///
/// All but ``mass`` and ``peak`` describe the map divided by its sum. They are NaN if it cannot be divided:
/// when the sum is 0, or a value is negative, infinite or NaN.
public struct MapStatistics: Hashable, Sendable {
  /// The grid of the map's cells.
  public let grid: Grid
  /// The sum of all cells; NaN if any is.
  public let mass: Double
  /// The largest value and where it is.
  public let peak: MapPeak
  /// Shannon's entropy in nats: 0 for one full cell, log(cells) for a constant map.
  public let entropy: Double
  /// The share of the mass in the largest tenth of the cells, rounded up, 0…1.
  public let topShare: Double
  /// Gini's coefficient: 0 for a constant map, (n - 1) / n for one full cell of n.
  public let gini: Double
  /// The mean place of the mass, in cells.
  public let centerOfMass: MapPoint
  /// The root of the mean squared distance from the centre of mass, in cells.
  public let spread: Double

  /// Measures `map`.
  public init(of map: AttentionMap) {
    let distribution = MapDistribution(map)
    grid = map.grid
    mass = map.mass
    peak = MapPeak(of: map)
    entropy = distribution?.entropy ?? .nan
    topShare = distribution?.share(ofLargest: (map.values.count + 9) / 10) ?? .nan
    gini = distribution?.gini ?? .nan
    centerOfMass = distribution?.centerOfMass ?? .nowhere
    spread = distribution?.spread ?? .nan
  }

  /// The entropy as a share of log(cells), 0…1: 1 for a constant map.
  ///
  /// NaN on a grid of one cell, which is full and even at once.
  public var relativeEntropy: Double { entropy / log(Double(grid.pixels)) }

  /// 1 minus the relative entropy: 1 for one full cell, 0 for a constant map.
  public var concentration: Double { 1 - relativeEntropy }

  /// The spread as a share of the grid's diagonal.
  public var relativeSpread: Double {
    spread / hypot(Double(grid.rows), Double(grid.columns))
  }
}
