internal import TensorEngine

/// A solver along the log-SNR of which some steps go on from an earlier sample than the current one.
protocol RestartingLogSNRSolver: LogSNRSolver {
  /// The sample that a later step goes on from.
  var start: Tensor? { get set }
}

extension RestartingLogSNRSolver {
  var state: [String: Tensor] {
    get {
      var state = pastState
      state["scheduler.start"] = start
      return state
    }
    set {
      pastState = newValue
      start = newValue["scheduler.start"]
    }
  }
}
