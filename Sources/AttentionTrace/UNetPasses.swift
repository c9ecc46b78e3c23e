/// How often a run took a latent through the UNet.
public struct UNetPasses: Hashable, Sendable, Codable {
  /// Each branch of a guided pass, each other prediction that the noise is made of, and each look of an
  /// objective, though that may end before the last layer.
  public var forward: Int
  /// Gradients of an objective, taken back from where its look ended.
  public var backward: Int

  /// As many passes forward, and as many back.
  public init(forward: Int = 0, backward: Int = 0) {
    self.forward = forward
    self.backward = backward
  }

  /// Both counts added up.
  public static func + (left: UNetPasses, right: UNetPasses) -> UNetPasses {
    UNetPasses(forward: left.forward + right.forward, backward: left.backward + right.backward)
  }
}
