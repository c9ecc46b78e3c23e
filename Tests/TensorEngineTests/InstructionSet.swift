import CKernels
import Testing

/// The instruction sets that kernels are compiled for, weakest first.
enum InstructionSet {
  static let all = CK_BASELINE.rawValue...CK_AVX512.rawValue

  /// Cancels the test, which is then reported as skipped, on a machine without `set`.
  static func require(_ set: UInt32) throws {
    if Int32(set) > ck_best_isa() {
      try Test.cancel("this machine lacks instruction set \(set) of ckernels.h")
    }
  }

  /// Uses `set` for the rest of the process.
  static func use(_ set: UInt32) {
    #expect(ck_force_isa(Int32(set)) == Int32(set))
  }
}
