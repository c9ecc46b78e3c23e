/// Receives attention while it is computed, and cannot change it.
///
/// For each site and point the model first *asks*, then, if the answer was yes, *lends* the values.
/// If no observer asks, nothing beyond the working buffers is computed or kept. Probabilities are those
/// that the picture is made with: after the change, where a method changes attention.
public protocol AttentionObserver: AnyObject {
  /// Whether the values of `site` at `point` should be lent in this pass.
  ///
  /// Asked before the layer runs, and perhaps before the pass; the answer stays the same.
  func wants(_ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass) -> Bool

  /// Lends the values, whose axes ``AttentionPoint`` tells, for the length of the call.
  ///
  /// The rows of the first axis are `pass.branches`. To keep anything, copy it.
  func observe(
    _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass)
}
