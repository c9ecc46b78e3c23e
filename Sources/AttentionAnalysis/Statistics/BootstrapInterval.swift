/// A statistic of samples and the percentile interval of its bootstrap.
public struct BootstrapInterval: Hashable, Sendable {
  /// The statistic of the samples themselves; NaN without any.
  public let estimate: Double
  /// The interval's lower end; NaN with fewer than two samples, or with fewer than two clusters.
  public let lower: Double
  /// The interval's upper end; NaN where ``lower`` is.
  public let upper: Double
  /// How many samples were taken into account.
  public let count: Int
  /// Of how many clusters, as prompts are, they were drawn; `nil` where samples were drawn one by one.
  public let clusters: Int?
  /// How many were left out because they are NaN.
  public let leftOut: Int
}
