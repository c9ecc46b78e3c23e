internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// The texts whose tokens stand along the axes of exported maps: the prompt for the conditional branch,
/// the negative prompt for the unconditional one.
struct BranchTables: Sendable {
  /// A branch that is exported, and its text.
  struct Entry: Sendable {
    let branch: Branch
    let table: TokenTable
  }

  /// The conditional branch first.
  let entries: [Entry]

  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` where the run does not have the text
  ///   of a branch.
  init(_ run: RecordedRun, _ branches: Set<Branch>) throws {
    entries = try Branch.allCases.reversed().filter(branches.contains).map {
      Entry(branch: $0, table: try run.table(of: $0))
    }
  }

  /// The negative prompt, where it is exported.
  var negative: TokenTable? { entries.first { $0.branch == .unconditional }?.table }

  /// What a coordinate of a branch is called: `word`, or `word_unconditional` beside another branch's.
  func name(_ kind: String, of branch: Branch) -> String {
    entries.count == 1 ? kind : "\(kind)_\(branch.rawValue)"
  }
}
