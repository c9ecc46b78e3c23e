internal import AttentionTrace
internal import TensorEngine

/// Puts a source's maps in the place of a run's own.
struct MapTransfer: AttentionIntervention {
  let alignment: PromptAlignment
  /// c, a factor for each token; `nil` for 1.
  let factors: [Float]?
  let maps: SourceMaps

  func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool {
    maps.isTaken(site, at: pass.step)
  }

  func change(_ attention: inout LayerAttention) {
    guard let source = maps.map(of: attention.site) else { return }
    guard attention.site.kind == .cross else {
      attention.probabilities = source
      return
    }
    attention.probabilities = alignment.edited(source, own: attention.probabilities)
    if let factors { attention.weigh(keys: factors) }
  }
}
