private import CKernels

/// What the kernels are compiled for; a machine runs the strongest that it has.
///
/// Results of two differ by the rounding of their last digits; those of ``amx`` and ``split`` from the
/// others by about 5·10⁻⁶ of a product's range.
package enum InstructionSet: String, CaseIterable, Sendable, Codable {
  /// What every machine of the architecture has: SSE2 on x86-64, NEON on ARM.
  case baseline
  /// Eight lanes and fused multiply-adds: Haswell (2013) and Zen (2017) onwards.
  case avx2
  /// Sixteen lanes: Skylake-X (2017) and Zen 4 (2022) onwards.
  case avx512
  /// The same, and products of bfloat16 in tiles, three for one of float32: Sapphire Rapids (2023) onwards.
  case amx
  /// The sums of ``amx`` in portable arithmetic, on any machine and slow: what tests compare with.
  case split

  private var code: Int32 {
    switch self {
    case .baseline: Int32(CK_BASELINE.rawValue)
    case .avx2: Int32(CK_AVX2.rawValue)
    case .avx512: Int32(CK_AVX512.rawValue)
    case .amx: Int32(CK_AMX.rawValue)
    case .split: Int32(CK_SPLIT.rawValue)
    }
  }

  /// Those that this machine has, weakest first.
  package static var available: [InstructionSet] { allCases.filter { ck_has_isa($0.code) != 0 } }

  /// The one that the kernels run with.
  package static var current: InstructionSet {
    let code = ck_isa()
    return allCases.first { $0.code == code } ?? .baseline
  }

  /// Makes the kernels of the whole process run with this one; nothing is to run meanwhile.
  /// - Returns: whether this machine has it.
  @discardableResult
  package func use() -> Bool { ck_force_isa(code) == code }
}

extension InstructionSet: CustomStringConvertible {
  /// As processors' makers write it, as in `AVX-512`.
  package var description: String {
    switch self {
    case .baseline: "baseline"
    case .avx2: "AVX2"
    case .avx512: "AVX-512"
    case .amx: "AMX"
    case .split: "split bfloat16"
    }
  }
}
