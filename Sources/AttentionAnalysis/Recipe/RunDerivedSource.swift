package import AttentionTrace
package import PromptText

/// A source whose calls are those of a run, and whose maps are a part of the run's or made of it.
package protocol RunDerivedSource: ChunkSource {
  /// The run whose calls they are.
  var run: RecordedRun { get }
}

extension RunDerivedSource {
  package var name: String { run.name }
  package func tokens(of branch: Branch) -> TokenTable? { run.tokens(of: branch) }
  package var calls: [CallRecord] { run.calls }
  package var iterations: Int { run.iterations }
  package var branches: Set<Branch> { run.branches }
  package var phases: Set<Phase> { run.phases }
  package var lossGrid: Grid { run.lossGrid }
  package var lossStopsAtEnd: Bool { run.lossStopsAtEnd }
}
