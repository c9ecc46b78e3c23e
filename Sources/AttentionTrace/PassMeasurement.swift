/// What an objective says of one pass: its loss, and each subject's largest attention.
public struct PassMeasurement: Hashable, Sendable, Codable {
  /// The loss, in 0…1 for Attend-and-Excite.
  public let loss: Float
  /// The largest value of each subject's map as the objective reads it, in the subjects' order.
  public let maxima: [Float]
  /// How far the method moved the latent in this step; of the pass that predicts the noise of a
  /// method that moves it.
  public let displacement: LatentDisplacement?

  /// A loss, and the largest attention of each subject.
  public init(loss: Float, maxima: [Float], displacement: LatentDisplacement? = nil) {
    self.loss = loss
    self.maxima = maxima
    self.displacement = displacement
  }
}
