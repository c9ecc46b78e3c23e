/// The number of passes through the UNet in a run.
public struct UNetPasses: Hashable, Sendable, Codable {
  /// Each branch of a guided pass, each other prediction that the noise is made of, and each look of an
  /// objective, though that may end before the last layer.
  public var forward: Int
  /// Gradients of an objective, taken back from where its look ended.
  public var backward: Int

  /// Counts of forward and backward passes.
  public init(forward: Int = 0, backward: Int = 0) {
    self.forward = forward
    self.backward = backward
  }

  /// The sums of both counts.
  public static func + (left: UNetPasses, right: UNetPasses) -> UNetPasses {
    UNetPasses(forward: left.forward + right.forward, backward: left.backward + right.backward)
  }
}
