/// A low-rank change of a checkpoint's weights: a file, and how much of it is added.
///
/// - Reference: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.
public struct LoRA: Sendable, Equatable {
  /// The safetensors file, in the layout of diffusers, peft or kohya.
  public let path: String
  /// What the change is multiplied with; 1 is the change as it was trained.
  public let scale: Double

  /// - Parameters:
  ///   - path: the file.
  ///   - scale: any finite number.
  public init(path: String, scale: Double = 1) {
    self.path = path
    self.scale = scale
  }
}
