private import CKernels

/// The version of Heed that runs, sheets and exports name.
public enum HeedVersion {
  /// As in `0.1.0`.
  public static let current = "0.1.0"

  /// The instruction set that the kernels run with on this machine.
  package static var instructionSet: String {
    switch UInt32(ck_isa()) {
    case CK_AVX512.rawValue: "AVX-512"
    case CK_AVX2.rawValue: "AVX2"
    default: "baseline"
    }
  }
}
