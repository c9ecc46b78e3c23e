/// A call whose maps wait for the disk.
struct PendingCall: Sendable {
  /// All but the checksums.
  let record: CallRecord
  /// By array; `nil` where nothing is kept.
  let chunks: [ChunkBuffer?]
}
