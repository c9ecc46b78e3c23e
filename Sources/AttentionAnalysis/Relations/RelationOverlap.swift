internal import AttentionTrace
internal import TensorEngine

/// The overlap of the maps of a head and its dependent.
///
/// Source: Tang et al., What the DAAM, ACL 2023, section 4.
package struct RelationOverlap: Hashable, Sendable {
  /// The two words and their relation.
  package let relation: WordRelation
  /// IoU, 0…1: what both cover, of what at least one does; NaN if a value of a map is.
  package let overUnion: Double
  /// IoD, 0…1: what both cover, of what the dependent does.
  package let overDependent: Double
  /// IoH, 0…1: what both cover, of what the head does.
  package let overHead: Double

  /// Cuts both maps at `threshold` and compares them.
  /// - Precondition: they are on one grid.
  package init(
    _ relation: WordRelation, head: AttentionMap, dependent: AttentionMap,
    at threshold: MapThreshold
  ) {
    guard head.grid == dependent.grid else {
      bug("a map of \(head.grid) compared with one of \(dependent.grid)")
    }
    self.relation = relation
    guard let head = threshold.cells(of: head), let dependent = threshold.cells(of: dependent)
    else {
      (overUnion, overDependent, overHead) = (.nan, .nan, .nan)
      return
    }
    let overlap = MaskOverlap(dependent, head)
    (overUnion, overDependent, overHead) =
      (overlap.overUnion, overlap.overFirst, overlap.overSecond)
  }
}

extension [WordRelation] {
  /// The overlap of each relation both of whose words have a map, and the relations that were left out
  /// because one has none.
  ///
  /// - Parameter map: The map of a word as it is named in the relation; all are on one grid.
  package func overlaps(
    at threshold: MapThreshold, map: (String) throws -> AttentionMap?
  ) rethrows -> (found: [RelationOverlap], leftOut: [WordRelation]) {
    var (found, leftOut): ([RelationOverlap], [WordRelation]) = ([], [])
    for relation in self {
      guard let head = try map(relation.head), let dependent = try map(relation.dependent) else {
        leftOut.append(relation)
        continue
      }
      found.append(RelationOverlap(relation, head: head, dependent: dependent, at: threshold))
    }
    return (found, leftOut)
  }
}
