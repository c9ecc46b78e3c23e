private import Synchronization
internal import TensorEngine

/// Runs of one pass: how long each took, what it was made of, and the most memory one needed.
struct PassTally {
  /// Time and multiply-adds of one kind of operation, over all runs.
  struct Work: Sendable {
    var seconds = 0.0
    var multiplyAdds = 0
  }

  /// Wall time of each run, in seconds.
  private(set) var samples: [Double] = []
  /// The speed of products right before each run, in floating-point operations a second.
  private(set) var sgemm: [Double] = []
  private(set) var work: [WorkKind: Work] = [:]
  /// The part of each run in which no more than one thread worked, 0…1.
  private(set) var alone: [Double] = []
  /// In bytes; `nil` where the kernel gives no account of it.
  private(set) var peak: Int?

  /// The side of the square matrices that are multiplied.
  private static let side = 2048

  /// Runs `body` once and takes down what it did.
  mutating func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    sgemm.append(Matrix.measuredSpeed(side: Self.side))
    let ledger = Ledger()
    let hasPeak = ResidentMemory.resetPeak()
    let start = ContinuousClock.now
    let (result, share) = try Parallel.shareAlone {
      try Operation.$observer.withValue(ledger) { try body() }
    }
    alone.append(share)
    samples.append((ContinuousClock.now - start) / .seconds(1))
    peak = hasPeak ? ResidentMemory.peak().map { max($0, peak ?? 0) } : nil
    work.merge(ledger.work) {
      Work(seconds: $0.seconds + $1.seconds, multiplyAdds: $0.multiplyAdds + $1.multiplyAdds)
    }
    return result
  }

  /// Floating-point operations of all runs, a multiply-add counted as two.
  var flop: Double { work.values.reduce(0) { $0 + 2 * Double($1.multiplyAdds) } }

  /// What the operations of one run did, by kind.
  private final class Ledger: OperationObserver {
    private let entries = Mutex<[WorkKind: Work]>([:])

    var work: [WorkKind: Work] { entries.withLock { $0 } }

    func observe(_ record: OperationRecord) {
      entries.withLock {
        $0[record.kind, default: Work()].seconds += record.duration / .seconds(1)
        $0[record.kind, default: Work()].multiplyAdds += record.multiplyAdds
      }
    }
  }
}

extension [Double] {
  /// The sum over the number of values.
  /// - Precondition: there is at least one.
  var mean: Double { reduce(0, +) / Double(count) }

  /// The middle of the values in order; of an even number, the mean of the two in the middle.
  /// - Precondition: there is at least one.
  var median: Double {
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}
