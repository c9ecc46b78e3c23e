/// What an objective says of one pass: its loss, and each subject's excitation score.
///
/// A subject's *excitation score* is what the loss reads of it, from 0 to 1: the largest value of its
/// smoothed map, after the prompt's tokens were renormalised by a softmax of 100 × their mean
/// probability. It is not the *peak attention*, the largest value of an averaged map, which is a
/// probability as the layers computed it.
public struct PassMeasurement: Hashable, Sendable, Codable {
  /// The loss, in 0…1 for Attend-and-Excite: 1 − the smallest score.
  public let loss: Float
  /// The excitation score of each subject, in the subjects' order.
  public let scores: [Float]
  /// How far the method moved the latent in this step; of the pass that predicts the noise of a
  /// method that moves it.
  public let displacement: LatentDisplacement?
  /// The largest absolute value of the latent that the pass read, in units of the initial noise's
  /// standard deviation; of the pass that predicts the noise, `nil` in older recordings.
  public let latentMagnitude: Float?

  /// A loss, and the excitation score of each subject.
  public init(
    loss: Float, scores: [Float], displacement: LatentDisplacement? = nil,
    latentMagnitude: Float? = nil
  ) {
    self.loss = loss
    self.scores = scores
    self.displacement = displacement
    self.latentMagnitude = latentMagnitude
  }

  private enum Keys: String, CodingKey {
    case loss, scores, displacement, latentMagnitude
    /// The scores, in recordings of format 1.
    case maxima
  }

  /// Reads a measurement, of a recording of format 1 too.
  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: Keys.self)
    self.init(
      loss: try keys.decode(Float.self, forKey: .loss),
      scores: try keys.decode([Float].self, forKey: keys.contains(.maxima) ? .maxima : .scores),
      displacement: try keys.decodeIfPresent(LatentDisplacement.self, forKey: .displacement),
      latentMagnitude: try keys.decodeIfPresent(Float.self, forKey: .latentMagnitude))
  }

  /// Writes a measurement.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: Keys.self)
    try keys.encode(loss, forKey: .loss)
    try keys.encode(scores, forKey: .scores)
    try keys.encodeIfPresent(displacement, forKey: .displacement)
    try keys.encodeIfPresent(latentMagnitude, forKey: .latentMagnitude)
  }
}
