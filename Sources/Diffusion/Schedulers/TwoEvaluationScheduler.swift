internal import TensorEngine

/// A scheduler over noise levels whose step is two iterations, each with a prediction at a level of its own.
protocol TwoEvaluationScheduler: Scheduler {
  var levels: NoiseLevels { get }
  /// The level at which an iteration's prediction is made.
  func level(_ index: Int) -> Float
}

extension TwoEvaluationScheduler {
  var initialNoiseScale: Float { levels.initialNoiseScale }
  var evaluationsPerStep: Int { 2 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor {
    NoiseLevels.scaled(sample, at: level(index))
  }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    .combination(1, clean, level(index), noise)
  }
}
