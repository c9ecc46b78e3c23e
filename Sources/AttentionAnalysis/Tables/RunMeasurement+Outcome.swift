package import AttentionTrace

extension RunMeasurement {
  /// What a run came to, and what it took: one row, which methods can be compared by.
  ///
  /// | column | what it is |
  /// | --- | --- |
  /// | `weakest_score` | the excitation score of the weakest subject, mean over the criteria's window, in 0…1 |
  /// | `weakest_score_end` | the same over the last fifth of all steps: what became of it after alteration |
  /// | `overlap` | the soft Jaccard index of the subjects' maps, mean over their pairs, in 0…1 |
  /// | `moved` | the norms added up of what the method added to the latent |
  /// | `forward`, `backward` | passes of the denoiser: ``UNetPasses`` |
  /// | `seconds` | of denoising |
  ///
  /// A number that a run does not tell is NaN: the overlap of one subject or of maps that are not
  /// recorded, the cost of a run that is not complete. Where no window is given it is that of plain
  /// Stable Diffusion, whatever the method alters, so that runs compare.
  /// - Throws: ``AnalysisError`` for a run without subjects, `TraceError` when the store is damaged.
  package func outcome(
    _ run: RecordedRun, criteria: NeglectCriteria = NeglectCriteria()
  ) throws -> MeasurementTable {
    let manifest = run.manifest
    var criteria = criteria
    criteria.window = criteria.plainWindow(iterations: manifest.timesteps.count)
    let report = try NeglectReport(run, criteria: criteria)
    let end = NeglectCriteria().window(
      altering: manifest.timesteps.count, iterations: manifest.timesteps.count)
    let moved = report.moved ?? (manifest.method.alteredSteps > 0 ? .nan : 0)
    var table = MeasurementTable(
      recipe: recipe.resolved(for: run).description, keys: Self.runKeys,
      values: [
        "weakest_score", "weakest_score_end", "overlap", "moved", "forward", "backward", "seconds",
      ])
    var row = MeasurementTable.Row(
      keys: Self.keys(of: run),
      values: [
        Double(report.weakest), Double(report.weakest(in: end)), try meanOverlap(run),
        Double(moved),
        manifest.passes.map { Double($0.forward) } ?? .nan,
        manifest.passes.map { Double($0.backward) } ?? .nan, manifest.seconds ?? .nan,
      ])
    row.recipe = report.scoreRecipe.map {
      "\(table.recipe); excitation scores of the maps by \($0)"
    }
    table.rows = [row]
    return table
  }

  /// The soft Jaccard index of the subjects' maps, mean over their pairs; NaN where there is none.
  private func meanOverlap(_ run: RecordedRun) throws -> Double {
    let subjects = run.manifest.subjects
    guard subjects.count > 1, !run.sites.isEmpty else { return .nan }
    let maps = try run.maps(of: subjects, by: recipe, weights: weights).map(\.map)
    let shares = maps.indices.flatMap { first in
      maps[..<first].map { MapOverlap($0, maps[first]).softJaccard }
    }
    return shares.reduce(0, +) / Double(shares.count)
  }
}
