internal import AttentionTrace

/// The criteria by which a subject is neglected, weak or lost, or has a high score.
///
/// Attend-and-Excite calls a subject neglected whose attention stays low (Chefer et al., arXiv
/// 2301.13826, section 3). The levels are the thresholds that the paper asks for at its refinement
/// steps, 0.5 at step 10 and 0.8 at step 20. What is compared with them is the excitation score (see
/// `PassMeasurement`) in the pass that predicts the noise.
public struct NeglectCriteria: Hashable, Sendable, Codable {
  /// Below this, in 0…1, a subject is neglected.
  public var neglectedBelow: Float
  /// At or above this, a subject's score is high.
  public var highFrom: Float
  /// The steps over which the excitation score is averaged; `nil` takes the last fifth of the altered
  /// steps, or of the first half of a run that alters none.
  public var window: ClosedRange<Int>?

  /// Criteria with the levels 0.5 and 0.8 and the last fifth of the altered steps, unless given.
  public init(
    neglectedBelow: Float = 0.5, highFrom: Float = 0.8, window: ClosedRange<Int>? = nil
  ) {
    self.neglectedBelow = neglectedBelow
    self.highFrom = highFrom
    self.window = window
  }

  /// The paper's thresholds, by step.
  public static let publishedThresholds: [Int: Double] = [0: 0.05, 10: 0.5, 20: 0.8]

  /// The window in a run of `iterations`.
  func window(of method: RunManifest.Method, iterations: Int) -> ClosedRange<Int> {
    guard method.alteredSteps > 0 else { return plainWindow(iterations: iterations) }
    return window(altering: method.alteredSteps, iterations: iterations)
  }

  /// The window in a run of `iterations` that alters none.
  package func plainWindow(iterations: Int) -> ClosedRange<Int> {
    window(altering: (iterations + 1) / 2, iterations: iterations)
  }

  /// The last fifth of the first `altered` of a run's iterations, if none is given.
  func window(altering altered: Int, iterations: Int) -> ClosedRange<Int> {
    if let window { return window }
    let end = max(min(altered, iterations), 1)
    return (end - (end + 4) / 5)...(end - 1)
  }
}
