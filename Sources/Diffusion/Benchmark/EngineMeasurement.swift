internal import TensorEngine

/// What ``EngineBenchmark`` runs by itself.
package enum EnginePass: String, Sendable, CaseIterable, Encodable {
  /// The text encoder on one prompt.
  case text
  /// The UNet on one latent.
  case unet
  /// The UNet on two latents, as classifier-free guidance takes it.
  case unetPair = "unet-pair"
  /// Attend-and-Excite's loss on a tape, as far as the UNet is needed for it.
  case lossForward = "loss-forward"
  /// The loss's gradient with respect to the latent.
  case lossBackward = "loss-backward"
  /// One altered step of Attend-and-Excite: loss, gradient, guided prediction.
  case step
  /// The autoencoder's decoder on one latent.
  case decode
}

/// How fast something ran, and how near that is to what the machine can do.
package struct EngineSpeed: Sendable, Encodable {
  /// Wall time.
  package let seconds: Double
  /// By the direct method, a multiply-add counted as two.
  package let gigaflop: Double
  /// OpenBLAS's GFLOP a second beside it, with the same number of threads.
  package let sgemm: Double

  /// GFLOP a second.
  package var speed: Double { gigaflop / seconds }
  /// ``speed`` as a part of ``sgemm``.
  package var shareOfSgemm: Double { speed / sgemm }

  private enum Key: String, CodingKey { case seconds, gigaflop, speed, sgemm, shareOfSgemm }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(gigaflop, forKey: .gigaflop)
    try container.encode(speed, forKey: .speed)
    try container.encode(sgemm, forKey: .sgemm)
    try container.encode(shareOfSgemm, forKey: .shareOfSgemm)
  }
}

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
  /// Of one run: the median of ``samples``.
  package let speed: EngineSpeed
  /// Wall time of each run in order, in seconds.
  package let samples: [Double]
  /// In bytes; `nil` where the kernel gives no account of it.
  package let peakMemory: Int?
  package let shares: [Share]

  init(_ pass: EnginePass, _ tally: PassTally) {
    let runs = Double(tally.samples.count)
    self.pass = pass
    speed = EngineSpeed(
      seconds: tally.samples.median, gigaflop: tally.flop / runs / 1e9,
      sgemm: tally.sgemm.mean / 1e9)
    samples = tally.samples
    peakMemory = tally.peak
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

/// A picture by Attend-and-Excite: 50 DDIM steps, the first 25 altered, no refinement.
package struct EngineImage: Sendable, Encodable {
  /// How the time came about.
  package enum Basis: String, Sendable, Encodable {
    /// All steps were made.
    case measured
    /// Fewer steps were made, and count for as many as are missing.
    case scaled
    /// No picture was made: the time is the sum of its passes'.
    case estimated
  }

  package let basis: Basis
  /// Steps that were made.
  package let stepsMade: Int
  /// Of the whole picture; loading is not counted.
  package let speed: EngineSpeed
  /// Loading included, in bytes; `nil` where none was made or the kernel gives no account of it.
  package let peakMemory: Int?
}
