internal import Drawing

extension MapStyle {
  /// The range of values that the colours cover.
  public enum Range: Hashable, Sendable {
    /// From zero to the largest value of all maps of the sheet.
    case shared
    /// Each map's own, printed below it.
    case own
    /// The given one; values beyond it take the colour of the nearer end, and the sheet says how many do.
    case fixed(lower: Double, upper: Double)
  }
}

/// The range as text, as in a sheet file and on the command line.
extension MapStyle.Range: LosslessStringConvertible {
  /// What ``init(_:)`` reads, in words.
  package static let expected = "shared, own or two numbers, as in 0..0.5"

  /// The range that `text` names: `shared`, `own`, or two finite numbers, the lower first, as in `0..0.5`.
  public init?(_ text: String) {
    switch text {
    case "shared": self = .shared
    case "own": self = .own
    default:
      let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { Double($0) }
      guard ends.count == 2, let lower = ends[0], let upper = ends[1], lower < upper,
        lower.isFinite, upper.isFinite
      else { return nil }
      self = .fixed(lower: lower, upper: upper)
    }
  }

  /// `shared`, `own`, or two numbers, as in `0.0..0.5`.
  public var description: String {
    switch self {
    case .shared: "shared"
    case .own: "own"
    case .fixed(let lower, let upper): "\(lower)..\(upper)"
    }
  }
}
