import AttentionTrace
import CBuild
import TensorEngine

// Unsafe: the commit is a constant that lives as long as the process.

extension HeedVersion {
  /// The commit that was built, with `-dirty` where files differ from it; `unknown` for a build by other
  /// means than `make`, or without git.
  private static var commit: String { unsafe String(cString: heed_commit()) }

  /// Version, commit and instruction set, in one line.
  static var details: String { "\(current) (commit \(commit), \(InstructionSet.current))" }
}
