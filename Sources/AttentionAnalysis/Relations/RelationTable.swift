/// The overlap of heads and dependents by the kind of their relation, as DAAM's table of syntax has it.
///
/// Source: Tang et al., What the DAAM, ACL 2023, section 4; castorini/daam,
/// notebooks/1-visuosyntactic-analyses.ipynb.
package struct RelationTable: Hashable, Sendable {
  /// One kind of relation.
  package struct Row: Hashable, Sendable {
    /// The kind of dependency, as in `amod`.
    package let relation: String
    /// How many overlaps there are of it.
    package let count: Int
    /// mIoU: the mean of IoU and its interval.
    package let overUnion: BootstrapInterval
    /// mIoD: the mean of the intersection over the dependent's area and its interval.
    package let overDependent: BootstrapInterval
    /// mIoH: the mean of the intersection over the head's area and its interval.
    package let overHead: BootstrapInterval
  }

  /// The most frequent relation first; equally frequent ones by name.
  package let rows: [Row]

  /// Takes the mean of `overlaps` of any number of prompts and seeds; each is one sample.
  package init(of overlaps: [RelationOverlap], bootstrap: Bootstrap = Bootstrap()) {
    rows = Dictionary(grouping: overlaps, by: \.relation.relation).map { relation, overlaps in
      Row(
        relation: relation, count: overlaps.count,
        overUnion: bootstrap.interval(of: overlaps.map(\.overUnion)),
        overDependent: bootstrap.interval(of: overlaps.map(\.overDependent)),
        overHead: bootstrap.interval(of: overlaps.map(\.overHead)))
    }.sorted { ($1.count, $0.relation) < ($0.count, $1.relation) }
  }
}
