package import AttentionTrace

/// The maps of one layer, head or step, before a recipe would have combined them with others.
package struct MapSlice: Sendable {
  /// The layer; `nil` for all of the recipe's together.
  package let layer: AttentionSite?
  /// The head; `nil` for all of the recipe's together.
  package let head: Int?
  /// The call, of which a slice has the step; `nil` for all of the recipe's together.
  package let call: CallRecord?
  /// The maps.
  package let maps: AggregatedMaps
}

extension RecordedRun {
  /// Gives `body` the maps of `tokens` by `recipe`, with the axes `kept` instead of reduced.
  ///
  /// Slices come layer by layer, then call by call, then head by head; one at a time is in memory.
  /// - Parameter kept: Some of ``Recipe/Axis/layer``, ``Recipe/Axis/step`` and ``Recipe/Axis/head``.
  /// - Throws: as ``aggregate(tokens:by:weights:)``, and what `body` throws.
  package func forEachSlice(
    tokens: [Int]? = nil, by recipe: Recipe, keeping kept: Set<Recipe.Axis>,
    weights: [String: HeadWeights] = [:], _ body: (MapSlice) throws -> Void
  ) throws {
    let whole = try RecipeEvaluation(
      recipe, of: self, tokens: tokens, weights: weights, keepsLayersApart: kept.contains(.layer))
    let layers = kept.contains(.layer) ? whole.sites.map { [$0.site.path] } : [whole.recipe.layers]
    var isEmpty = true
    for patterns in layers {
      let evaluation = try RecipeEvaluation(
        recipe.taking(layers: patterns), of: self, tokens: tokens, weights: weights)
      let calls = evaluation.calls
      for group in kept.contains(.step) ? evaluation.passes(of: calls) : [calls] {
        guard
          let made = try evaluation.maps(of: group, keepsHeads: kept.contains(.head))
        else { continue }
        isEmpty = false
        for (place, head) in made.stack.heads.enumerated() {
          try body(
            MapSlice(
              layer: kept.contains(.layer) ? evaluation.sites[0].site : nil,
              head: kept.contains(.head) ? head : nil,
              call: kept.contains(.step) ? group.first : nil,
              maps: evaluation.aggregated(made.stack.of(head: place), calls: made.calls)))
        }
      }
    }
    if isEmpty { throw nothing(of: whole.recipe) }
  }
}
