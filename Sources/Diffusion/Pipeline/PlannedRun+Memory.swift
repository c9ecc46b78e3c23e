public import AttentionTrace

extension PlannedRun {
  /// A recorder that keeps maps of the run in memory, to be given to ``sequence(observers:report:)``.
  ///
  /// - Parameter plan: what is kept; `nil` for what the request records.
  /// - Throws: `TraceError` when the plan names a layer or an index that the checkpoint lacks, or nothing
  ///   is to be recorded.
  public func memoryRecorder(_ plan: RecordingPlan? = nil) throws -> MemoryRecorder {
    guard let plan = plan ?? request.recording else {
      throw TraceError.badSelection(what: "layers", got: "(none)", expected: "at least one")
    }
    return try MemoryRecorder(
      plan, sites: sites, prompt: prompt,
      negative: texts.first { $0.role == .negative }?.table, lossGrid: grid,
      lossStopsAtEnd: request.stopsAtEnd ?? false)
  }
}
