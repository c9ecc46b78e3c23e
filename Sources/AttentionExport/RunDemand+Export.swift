package import AttentionAnalysis

extension RunDemand {
  /// Runs that an export puts onto one axis; a recipe takes calls of its own, which need not line up.
  package static func export(_ request: ExportRequest) -> RunDemand {
    let (selection, recipe) = (request.selection, request.recipe)
    var demand = RunDemand()
    demand.difference = {
      AlignedRuns.difference($0, $1, selection, by: recipe, checksCalls: recipe == nil)
    }
    return demand
  }
}
