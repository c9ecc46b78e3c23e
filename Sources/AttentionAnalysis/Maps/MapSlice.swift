package import AttentionTrace

/// The maps of one layer, head, frame or step, before a recipe would have combined them with others.
package struct MapSlice: Sendable {
  /// The layer; `nil` for all of the recipe's together.
  package let layer: RecordedSite?
  /// The head; `nil` for all of the recipe's together.
  package let head: Int?
  /// The frame of a video; `nil` for all of the recipe's together.
  package let frame: Int?
  /// The call, of which a slice has the step; `nil` for all of the recipe's together.
  package let call: CallRecord?
  /// The maps.
  package let maps: AggregatedMaps
}

extension RecordedRun {
  /// Gives `body` the maps of `tokens` by `recipe`, with the axes `kept` instead of reduced.
  ///
  /// Slices come layer by layer, then call by call, then head by head, then frame by frame; those of a
  /// call are in memory at a time.
  /// - Parameter kept: Some of ``Recipe/Axis/layer``, ``Recipe/Axis/step``, ``Recipe/Axis/head`` and
  ///   ``Recipe/Axis/frame``.
  /// - Throws: as ``aggregate(tokens:by:weights:)``, and what `body` throws.
  package func forEachSlice(
    tokens: [Int]? = nil, by recipe: Recipe, keeping kept: Set<Recipe.Axis>,
    weights: [String: HeadWeights] = [:], _ body: (MapSlice) throws -> Void
  ) throws {
    let whole = try RecipeEvaluation(
      recipe, of: self, tokens: tokens, weights: weights, keepsLayersApart: kept.contains(.layer))
    let layers = kept.contains(.layer) ? whole.sites.map { [$0.site.path] } : [whole.recipe.layers]
    if kept.contains(.frame), let site = whole.sites.first(where: { $0.site.frames == nil }) {
      throw AnalysisError.nothingSelected(
        run: name, what: "an axis of frames in \(site.site.path)",
        recorded: "a picture, which has no frames")
    }
    var isEmpty = true
    for patterns in layers {
      let evaluation = try RecipeEvaluation(
        recipe.taking(layers: patterns), of: self, tokens: tokens, weights: weights)
      let calls = evaluation.calls
      for group in kept.contains(.step) ? evaluation.passes(of: calls) : [calls] {
        guard
          let made = try evaluation.maps(of: group, keeping: kept)
        else { continue }
        isEmpty = false
        for (place, head) in made.stack.heads.enumerated() {
          let stack = made.stack.of(head: place)
          for (place, frame) in stack.frames.enumerated()
          where !kept.contains(.frame) || evaluation.recipe.frames?.contains(frame) ?? true {
            try body(
              MapSlice(
                layer: kept.contains(.layer) ? evaluation.sites[0] : nil,
                head: kept.contains(.head) ? head : nil,
                frame: kept.contains(.frame) ? frame : nil,
                call: kept.contains(.step) ? group.first : nil,
                maps: evaluation.aggregated(stack.of(frame: place), calls: made.calls)))
          }
        }
      }
    }
    if isEmpty { throw nothing(of: whole.recipe) }
  }
}
