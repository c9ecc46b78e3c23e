package import AttentionTrace

/// Several interventions, one after the other.
package struct InterventionSequence: AttentionIntervention {
  private let interventions: [any AttentionIntervention]

  /// Applies each to the result of those before it.
  package init(_ interventions: [any AttentionIntervention]) { self.interventions = interventions }

  /// Whether any of them acts.
  package func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool {
    interventions.contains { $0.acts(at: site, in: pass) }
  }

  /// Applies those that act.
  package func change(_ attention: inout LayerAttention) throws {
    for intervention in interventions
    where intervention.acts(at: attention.site, in: attention.pass) {
      try intervention.change(&attention)
    }
  }
}
