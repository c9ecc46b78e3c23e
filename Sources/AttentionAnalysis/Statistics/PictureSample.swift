/// A number measured of a picture, with what the picture was made of.
///
/// Something that is true or not is 1 or 0: the mean is then a proportion.
public struct PictureSample: Hashable, Sendable {
  /// What tells the prompt from others, as its `id` in a suite.
  public let prompt: String
  /// The seed of the picture.
  public let seed: UInt64
  /// What was measured; NaN where it is not defined.
  public let value: Double

  /// What was measured of the picture that `prompt` and `seed` make.
  public init(prompt: String, seed: UInt64, value: Double) {
    (self.prompt, self.seed, self.value) = (prompt, seed, value)
  }
}
