internal import TensorEngine

/// One pass as it was measured.
package struct EngineMeasurement: Sendable, Encodable {
  /// What operations of one kind took of a run, in the mean over the runs.
  package struct Share: Sendable, Encodable {
    /// ``WorkKind``'s name, or `between` for what no operation took.
    package let kind: String
    package let seconds: Double
    package let gigaflop: Double
  }

  package let pass: EnginePass
  /// The pass's title.
  package let name: String
  /// Wall time of one run: the median of ``samples``.
  package let seconds: Double
  /// Of one run: the median of ``samples``.
  package let speed: EngineSpeed
  /// Wall time of each run in order, in seconds.
  package let samples: [Double]
  /// In bytes; `nil` where the kernel gives no account of it.
  package let peakMemory: Int?
  package let shares: [Share]
  /// The part of a run in which no more than one thread worked, 0…1: the median.
  package let alone: Double

  init(_ pass: EnginePass, _ tally: PassTally) {
    let runs = Double(tally.samples.count)
    self.pass = pass
    name = pass.title
    seconds = tally.samples.median
    speed = EngineSpeed(
      seconds: seconds, gigaflop: tally.flop / runs / 1e9,
      sgemm: tally.sgemm.mean / 1e9)
    samples = tally.samples
    peakMemory = tally.peak
    alone = tally.alone.median
    let shares = WorkKind.allCases.compactMap { kind in
      tally.work[kind].map {
        Share(
          kind: kind.rawValue, seconds: $0.seconds / runs,
          gigaflop: 2 * Double($0.multiplyAdds) / runs / 1e9)
      }
    }
    let between = tally.samples.mean - shares.map(\.seconds).reduce(0, +)
    self.shares = shares + [Share(kind: "between", seconds: max(between, 0), gigaflop: 0)]
  }
}
