import TensorEngine
import Testing

extension InstructionSet {
  /// Cancels the test, which is then reported as skipped, on a machine without `set`.
  static func require(_ set: InstructionSet) throws {
    if !available.contains(set) { try Test.cancel("this machine has no \(set)") }
  }

  /// Uses `set` for the rest of the process.
  static func use(_ set: InstructionSet) { #expect(set.use()) }
}

extension InstructionSet {
  /// Whether products are sums of products of bfloat16.
  var isSplit: Bool { self == .amx || self == .split }
}
