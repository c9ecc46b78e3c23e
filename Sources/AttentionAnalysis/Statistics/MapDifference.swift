internal import AttentionTrace

/// The difference of an excited and a plain map, and how its statistics changed.
public struct MapDifference: Hashable, Sendable {
  /// Excited − plain, `[row, column]`; values have both signs.
  public let map: AttentionMap
  /// By how much the peak attention grew.
  public let peak: Double
  /// By how many nats the entropy grew; NaN if a map is not a distribution, as ``MapStatistics`` has it.
  public let entropy: Double
  /// By how many rows and columns the centre of mass moved; NaN if a map is not a distribution.
  public let centerShift: MapPoint
  /// The overlap of the two maps, as ``MapOverlap/softJaccard``.
  public let softJaccard: Double

  /// Subtracts the `plain` map from the `excited` one.
  /// - Precondition: they are on one grid.
  public init(excited: AttentionMap, plain: AttentionMap) {
    softJaccard = MapOverlap(excited, plain).softJaccard
    map = AttentionMap(grid: excited.grid, values: zip(excited.values, plain.values).map(-))
    let (after, before) = (MapStatistics(of: excited), MapStatistics(of: plain))
    peak = Double(after.peak.value) - Double(before.peak.value)
    entropy = after.entropy - before.entropy
    centerShift = MapPoint(
      row: after.centerOfMass.row - before.centerOfMass.row,
      column: after.centerOfMass.column - before.centerOfMass.column)
  }

  /// How far the centre of mass moved, in cells.
  public var centerDistance: Double { centerShift.distance(to: MapPoint(row: 0, column: 0)) }
}
