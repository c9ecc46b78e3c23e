internal import Synchronization

/// Takes calls to the disk in the order that makes them safe.
///
/// Everything but ``acknowledged`` is used on the recorder's queue only.
final class CallWriter: @unchecked Sendable {
  /// How many calls stand in the journal.
  let acknowledged: Atomic<Int>
  /// The first error.
  ///
  /// After it nothing is written: what the disk holds then is not known.
  private(set) var failure: (any Error)?
  /// Held so that the run stays locked while calls are on their way.
  private let lock: RunLock
  private let journal: CallJournal
  private let store: AttentionStore?

  init(
    run: RunWriter, arrays: [RecordedArray], precision: RecordingPlan.Precision, capacity: Int,
    keeping: Int, durability: Durability
  ) throws {
    let durably = durability == .power
    lock = run.lock
    journal = try CallJournal(in: run.directory, keeping: keeping, durably: durably)
    acknowledged = Atomic(keeping)
    let layout = StoreLayout(recorded: arrays, manifest: run.manifest, precision: precision)
    store =
      arrays.isEmpty
      ? nil
      : try AttentionStore(
        in: run.directory, layout: layout, records: journal.kept, capacity: capacity,
        durability: durability)
    if durably { try run.directory.synchronize() }
  }

  /// Does `work` unless something failed before, and remembers its error.
  func perform(_ work: () throws -> Void) {
    guard failure == nil else { return }
    do { try work() } catch { failure = error }
  }

  /// Writes each call: chunks, coordinates, journal line.
  func write(_ calls: [PendingCall]) throws {
    for call in calls {
      let made = call.record
      let record = CallRecord(
        call: made.call, step: made.step, timestep: made.timestep, branch: made.branch,
        phase: made.phase, attempt: made.attempt, measurement: made.measurement,
        checksums: try store?.write(call: made.call, chunks: call.chunks) ?? [:])
      try store?.write(record)
      try journal.append(record)
      acknowledged.store(made.call + 1, ordering: .releasing)
    }
  }

  /// Trims the store, and makes sure that all that was written was taken.
  func close() throws {
    try store?.close(calls: acknowledged.load(ordering: .acquiring))
    try journal.close()
  }
}
