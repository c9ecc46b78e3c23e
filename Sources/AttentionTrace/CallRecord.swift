/// One line of `calls.jsonl`: an acknowledged call, which is one pass for one branch.
public struct CallRecord: Hashable, Sendable, Codable {
  /// Position in the run, from 0; the first axis of every recorded array.
  public let call: Int
  /// The scheduler's iteration, from 0.
  public let step: Int
  /// The diffusion time given to the UNet.
  public let timestep: Double
  /// Which half of guidance.
  public let branch: Branch
  /// What the pass was for.
  public let phase: Phase
  /// The try of iterative refinement, from 1; for a loss pass, the tries of its step before it.
  public let attempt: Int
  /// What the objective said of the pass; `nil` for the unconditional branch or without objective.
  public let measurement: PassMeasurement?
  /// CRC-32C of each recorded array's chunk without its trailing checksum, by the array's name: the
  /// site's path for maps, `<path>.queries` for queries.
  public let checksums: [String: UInt32]

  /// One branch of a pass, with the checksums of the chunks that were written for it.
  public init(
    call: Int, step: Int, timestep: Double, branch: Branch, phase: Phase, attempt: Int,
    measurement: PassMeasurement?, checksums: [String: UInt32]
  ) {
    self.call = call
    self.step = step
    self.timestep = timestep
    self.branch = branch
    self.phase = phase
    self.attempt = attempt
    self.measurement = measurement
    self.checksums = checksums
  }

  /// Reads a call.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func natural(_ key: CodingKeys) throws -> Int {
      let number = try container.decode(Int.self, forKey: key)
      guard number >= 0 else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "expected 0 or more, got \(number)")
      }
      return number
    }
    call = try natural(.call)
    step = try natural(.step)
    timestep = try container.decode(Double.self, forKey: .timestep)
    branch = try container.decode(Branch.self, forKey: .branch)
    phase = try container.decode(Phase.self, forKey: .phase)
    attempt = try natural(.attempt)
    measurement = try container.decodeIfPresent(PassMeasurement.self, forKey: .measurement)
    checksums = try container.decode([String: UInt32].self, forKey: .checksums)
  }
}
