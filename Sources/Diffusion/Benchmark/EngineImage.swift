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
