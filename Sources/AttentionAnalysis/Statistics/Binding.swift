/// How close an attribute's map is to the map of its noun, compared with those of the other nouns: of
/// "a red cat and a blue dog", whether *red* is where *cat* is rather than where *dog* is.
///
/// The losses of SynGen and EBAMA increase the first closeness and decrease the others.
///
/// Source: Rassin et al., Linguistic Binding in Diffusion Models (SynGen), NeurIPS 2023; Zhang et al.,
/// Object-Conditioned Energy-Based Attention Map Alignment (EBAMA), ECCV 2024.
package struct Binding: Hashable, Sendable {
  /// The closeness to the attribute's own noun.
  package let own: Double
  /// `[noun]`: the closeness to each of the others.
  package let others: [Double]

  /// Compares the map of an `attribute` with those of its `noun` and of the `others`.
  /// - Precondition: all maps are on one grid.
  package init(
    of attribute: AttentionMap, to noun: AttentionMap, others: [AttentionMap],
    by measure: OverlapMeasure = .softJaccard
  ) {
    own = measure.closeness(of: attribute, and: noun)
    self.others = others.map { measure.closeness(of: attribute, and: $0) }
  }

  /// The own closeness minus the mean of the others: more than 0 where the attribute is bound.
  ///
  /// NaN if there is no other noun or a closeness is NaN.
  package var overMean: Double { own - others.reduce(0, +) / Double(others.count) }

  /// The own closeness minus the largest of the others: more than 0 where no other noun is closer.
  ///
  /// NaN if there is no other noun or a closeness is NaN.
  package var overLargest: Double {
    guard let first = others.first else { return .nan }
    return own - others.reduce(first) { $1 > $0 || $1.isNaN ? $1 : $0 }
  }
}
