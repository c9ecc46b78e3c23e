/// The overlap of heads and dependents by the kind of their relation, as DAAM's table of syntax has it.
///
/// Source: Tang et al., What the DAAM, ACL 2023, section 4; castorini/daam,
/// notebooks/1-visuosyntactic-analyses.ipynb.
public struct RelationTable: Hashable, Sendable {
  /// One kind of relation.
  public struct Row: Hashable, Sendable {
    /// The kind of dependency, as in `amod`.
    public let relation: String
    /// How many overlaps there are of it.
    public let count: Int
    /// mIoU: the mean of IoU and its interval.
    public let overUnion: BootstrapInterval
    /// mIoD: the mean of the intersection over the dependent's area and its interval.
    public let overDependent: BootstrapInterval
    /// mIoH: the mean of the intersection over the head's area and its interval.
    public let overHead: BootstrapInterval
  }

  /// The most frequent relation first; equally frequent ones by name.
  public let rows: [Row]

  /// Takes the mean of `overlaps` of any number of prompts and seeds; each is one sample.
  public init(of overlaps: [RelationOverlap], bootstrap: Bootstrap = Bootstrap()) {
    rows = Dictionary(grouping: overlaps, by: \.relation.relation).map { relation, overlaps in
      Row(
        relation: relation, count: overlaps.count,
        overUnion: bootstrap.interval(of: overlaps.map(\.overUnion)),
        overDependent: bootstrap.interval(of: overlaps.map(\.overDependent)),
        overHead: bootstrap.interval(of: overlaps.map(\.overHead)))
    }.sorted { ($1.count, $0.relation) < ($0.count, $1.relation) }
  }
}
