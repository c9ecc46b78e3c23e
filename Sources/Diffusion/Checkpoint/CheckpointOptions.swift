/// Options for opening a checkpoint.
public struct CheckpointOptions: Sendable, Equatable {
  /// The variant of the weights to take, such as `fp16`; `nil` for the one without a name.
  public var variant: String?
  /// A folder with diffusers' configurations, or a YAML file, for a single file's shape.
  public var configuration: String?
  /// Changes to add to the weights, in this order.
  public var loras: [LoRA] = []
  /// What the weights are kept in; `nil` for what they are in their files.
  public var weights: WeightPrecision?
  /// What the UNet predicts; `nil` for what the checkpoint says.
  package var prediction: Prediction?

  /// No options: the checkpoint as its files describe it.
  public init() {}
}
