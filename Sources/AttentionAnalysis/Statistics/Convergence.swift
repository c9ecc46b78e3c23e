internal import AttentionTrace
internal import TensorEngine

/// How much a map still changes from each step to the next.
///
/// Source: Zhang et al., Cross-Attention Makes Inference Cumbersome in Text-to-Image Diffusion Models
/// (T-GATE), arXiv 2404.02747, which finds that the difference falls to nearly nothing after a few
/// steps.
package struct Convergence: Hashable, Sendable {
  /// `[step]`, one fewer than maps: the Euclidean (L2) distance of each map from the one before it;
  /// NaN if a value is.
  package let changes: [Double]
  /// `[step]`: the distance as a share of the later map's norm.
  ///
  /// NaN if both maps are 0, infinite if only the later one is.
  package let relativeChanges: [Double]

  /// Follows `maps` in the order of their steps.
  /// - Precondition: they are on one grid.
  package init(of maps: [AttentionMap]) {
    let steps = zip(maps, maps.dropFirst())
    changes = steps.map { earlier, later in
      guard earlier.grid == later.grid else {
        bug("a map of \(later.grid) follows one of \(earlier.grid)")
      }
      return Self.norm(zip(later.values, earlier.values).map { Double($0) - Double($1) })
    }
    relativeChanges = zip(changes, maps.dropFirst()).map { change, later in
      change / Self.norm(later.values.map(Double.init))
    }
  }

  private static func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
