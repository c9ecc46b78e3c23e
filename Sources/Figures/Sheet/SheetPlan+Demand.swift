package import AttentionAnalysis
internal import Drawing

extension SheetPlan {
  /// What the sheet asks of the runs that it shows together.
  package var demand: RunDemand {
    let contents = rows.joined().map(\.content)
    let plans = contents.compactMap { if case .maps(let plan) = $0 { plan } else { nil } }
    let kinds = Set(contents.map(\.kind))
    var demand = RunDemand(knob: plans.map(\.knob).first { !$0.isEmpty })
    if kinds == [.neglect] { demand.difference = { _, _ in nil } }
    demand.mayRepeat = kinds == [.neglect]
    demand.mayDifferInMethod = plans.allSatisfy { $0.facets.contains(.method) || !$0.knob.isEmpty }
    demand.mayDifferInSeed = plans.allSatisfy { $0.facets.contains(.seed) }
    demand.needsMaps = !kinds.isDisjoint(with: [.maps, .compare, .matrix])
    demand.needsPicture = !kinds.isDisjoint(with: [.maps, .compare])
    demand.needsSubjects = !kinds.isDisjoint(with: [.compare, .curves, .neglect])
    demand.pairing =
      kinds.contains(.compare)
      ? .everyMethod : plans.contains(where: \.showsDifferences) ? .withPlain : .none
    return demand
  }
}
