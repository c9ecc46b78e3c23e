// Unsafe: one element is written where the caller has room for one.

/// What is known of each call beside its maps: one array along `call` in the store.
package enum CallCoordinate: String, CaseIterable, Sendable {
  case step, timestep, branch, phase, attempt, loss

  /// Calls in a chunk: even eight bytes for each then fit one page of memory with the checksum, since a
  /// chunk is written with each call.
  static let chunk = 256

  /// The type of an element.
  package var type: ZarrType {
    switch self {
    case .step, .attempt: .int32
    case .timestep: .float64
    case .branch, .phase: .int8
    case .loss: .float32
    }
  }

  /// What the array says of itself.
  package var attributes: ZarrAttributes {
    switch self {
    case .step:
      ZarrAttributes(longName: "iteration of the scheduler, from 0; -1 for no call yet")
    case .timestep:
      ZarrAttributes(longName: "diffusion time given to the UNet; not unique within a run")
    case .branch:
      ZarrAttributes(
        longName: "half of classifier-free guidance; -1 for no call yet",
        flagValues: Array(0..<Branch.allCases.count),
        flagMeanings: Branch.allCases.map(\.rawValue).joined(separator: " "))
    case .phase:
      ZarrAttributes(
        longName: "what the pass was for; -1 for no call yet",
        flagValues: Array(0..<Phase.allCases.count),
        flagMeanings: Phase.allCases.map(\.rawValue).joined(separator: " "))
    case .attempt:
      ZarrAttributes(longName: "try of iterative refinement, from 1; 0 outside; -1 for no call yet")
    case .loss:
      ZarrAttributes(longName: "the objective's loss of the pass; NaN where it gave none")
    }
  }

  /// The element of `record`; `nil` where elements are no integers.
  func integer(of record: CallRecord) -> Int? {
    switch self {
    case .step: record.step
    case .attempt: record.attempt
    case .branch: Branch.allCases.firstIndex(of: record.branch)
    case .phase: Phase.allCases.firstIndex(of: record.phase)
    case .timestep, .loss: nil
    }
  }

  /// Writes the element of `record`, or the fill value without one, at `place`.
  package func write(_ record: CallRecord?, to place: UnsafeMutableRawPointer) {
    func store<Value: FixedWidthInteger>(_ value: Value) {
      unsafe place.storeBytes(of: value.littleEndian, as: Value.self)
    }
    let integer = record.flatMap { self.integer(of: $0) } ?? -1
    switch self {
    case .step, .attempt: store(Int32(clamping: integer))
    case .timestep: store((record?.timestep ?? .nan).bitPattern)
    case .loss: store((record?.measurement?.loss ?? .nan).bitPattern)
    case .branch, .phase: store(Int8(clamping: integer))
    }
  }
}
