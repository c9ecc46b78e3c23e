/// A choice among the measures of ``MapOverlap``, each with a sign so that larger is closer.
public enum OverlapMeasure: String, Hashable, Sendable, CaseIterable {
  /// ``MapOverlap/segregation``, 0…½.
  case segregation
  /// ``MapOverlap/softJaccard``, 0…1.
  case softJaccard
  /// ``MapOverlap/cosine``, -1…1.
  case cosine
  /// ``MapOverlap/symmetricKL`` with its sign changed, -∞…0.
  case symmetricKL
  /// ``MapOverlap/jensenShannon`` with its sign changed, -log 2…0.
  case jensenShannon

  /// How close two maps are; NaN if the measure is NaN.
  /// - Precondition: they are on one grid.
  public func closeness(of first: AttentionMap, and second: AttentionMap) -> Double {
    let overlap = MapOverlap(first, second)
    return switch self {
    case .segregation: overlap.segregation
    case .softJaccard: overlap.softJaccard
    case .cosine: overlap.cosine
    case .symmetricKL: -overlap.symmetricKL
    case .jensenShannon: -overlap.jensenShannon
    }
  }
}
