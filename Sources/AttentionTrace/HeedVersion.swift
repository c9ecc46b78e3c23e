private import CBuild
private import CKernels

// Unsafe: the commit is a constant that lives as long as the process.

/// The version of Heed that runs, sheets and exports name.
public enum HeedVersion {
  /// As in `0.1.0`.
  public static let current = "0.1.0"

  /// The commit that was built, with `-dirty` where files differ from it; `unknown` for a build by other
  /// means than `make`, or without git.
  package static var commit: String { unsafe String(cString: heed_commit()) }

  /// The instruction set that the kernels run with on this machine.
  package static var instructionSet: String {
    switch UInt32(ck_isa()) {
    case CK_AVX512.rawValue: "AVX-512"
    case CK_AVX2.rawValue: "AVX2"
    default: "baseline"
    }
  }

  /// Version, commit and instruction set, in one line.
  package static var details: String { "\(current) (commit \(commit), \(instructionSet))" }
}
