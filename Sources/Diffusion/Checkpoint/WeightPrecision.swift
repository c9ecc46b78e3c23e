/// What the matrices and kernels of a network are kept in; norms and offsets are float32 always.
public enum WeightPrecision: String, Sendable, CaseIterable {
  /// 16-bit weights as they are in their file, float32 ones rounded to float16; all are widened as
  /// they are used.
  case float16
  /// Widened when the checkpoint is opened: more memory, a little less time.
  case float32
}
