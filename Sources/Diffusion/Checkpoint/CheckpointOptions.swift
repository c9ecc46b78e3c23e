/// Options for opening a checkpoint.
public struct CheckpointOptions: Sendable, Equatable {
  /// The variant of the weights to take, such as `fp16`; `nil` for the one without a name.
  public var variant: String?
  /// A folder with diffusers' configurations, or a YAML file, for a single file's shape.
  public var configuration: String?
  /// An autoencoder that takes the place of the checkpoint's own: a safetensors file, or a folder in diffusers'
  /// layout; `nil` for the checkpoint's own.
  public var vae: String?
  /// A UNet of the same shape that takes the place of the checkpoint's own, as distilled ones are shipped: a
  /// safetensors file, or a folder in diffusers' layout; `nil` for the checkpoint's own.
  public var unet: String?
  /// Changes to add to the weights, in this order.
  public var loras: [LoRA] = []
  /// Words to add to the text encoder, with embeddings of their own.
  public var embeddings: [TextualInversion] = []
  /// What the weights are kept in; `nil` for what they are in their files.
  public var weights: WeightPrecision?
  /// What the UNet predicts; `nil` for what the checkpoint says.
  package var prediction: Prediction?
  /// Whether the noise schedule is rescaled to leave no signal at its last time; `nil` for what the
  /// checkpoint says.
  public var zeroTerminalSNR: Bool?

  /// No options: the checkpoint as its files describe it.
  public init() {}
}
