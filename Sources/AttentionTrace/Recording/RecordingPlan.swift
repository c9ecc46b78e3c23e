internal import PromptText

/// Which attention of a run is recorded, decided before the first step.
///
/// An optional that is `nil` means "all of them".
public struct RecordingPlan: Hashable, Sendable, Codable {
  /// How numbers are stored.
  public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
    /// IEEE half: relative error 2⁻¹¹ down to 6.1e-5, then absolute 3e-8.
    case float16
    /// As computed.
    case float32

    /// Bytes a number takes.
    public var bytes: Int { self == .float16 ? 2 : 4 }
  }

  /// In ``layers``, the grid whose attention is measured; it is resolved when a run is planned.
  public static let measuredGrid = "measured"

  /// Patterns of layers: a glob over site paths (`up*`, `*.attn2`) or a grid (`16x16`).
  ///
  /// A site is kept when any pattern matches. A pattern keeps self-attention only when it says
  /// `attn1`: those maps are pixels by pixels and seldom what `*` meant.
  public var layers: [String]
  /// Heads by index; `nil` keeps all.
  ///
  /// A head that a layer lacks is skipped.
  public var heads: [Int]?
  /// Tokens by index; `nil` keeps all.
  ///
  /// Does not apply to self-attention.
  public var tokens: [Int]?
  /// Guidance branches.
  public var branches: Set<Branch>
  /// Phases.
  public var phases: Set<Phase>
  /// Steps by index; `nil` keeps all.
  public var steps: ClosedRange<Int>?
  /// How numbers are stored.
  public var precision: Precision
  /// Patterns of cross-attention layers whose queries are kept, every head of them.
  ///
  /// From queries the maps of words that are not in the prompt can be computed afterwards.
  public var queries: [String]
  /// What stands for the heads; `nil` keeps each of them.
  public var reducedHeads: RecordedSite.HeadReduction?
  /// Names of the columns behind the tokens: the sums over keys that are not kept one by one.
  public var summedColumns: [String]
  /// The most rows, and columns, of the maps: larger ones are averaged by area; `nil` keeps every cell.
  public var cells: Int?

  /// A plan; by default it keeps the conditional maps of every cross-attention in every noise prediction,
  /// in float16, and no queries.
  public init(
    layers: [String] = ["*"], heads: [Int]? = nil, tokens: [Int]? = nil,
    branches: Set<Branch> = [.conditional], phases: Set<Phase> = [.denoise],
    steps: ClosedRange<Int>? = nil, precision: Precision = .float16, queries: [String] = [],
    reducedHeads: RecordedSite.HeadReduction? = nil, summedColumns: [String] = [],
    cells: Int? = nil
  ) {
    self.layers = layers
    self.heads = heads
    self.tokens = tokens
    self.branches = branches
    self.phases = phases
    self.steps = steps
    self.precision = precision
    self.queries = queries
    self.reducedHeads = reducedHeads
    self.summedColumns = summedColumns
    self.cells = cells
  }

  private enum CodingKeys: String, CodingKey {
    case layers, heads, tokens, branches, phases, steps, precision, queries, reducedHeads
    case summedColumns, cells
  }

  /// Reads a plan; without the member `queries`, it keeps none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    layers = try container.decode([String].self, forKey: .layers)
    heads = try container.decodeIfPresent([Int].self, forKey: .heads)
    tokens = try container.decodeIfPresent([Int].self, forKey: .tokens)
    branches = try container.decode(Set<Branch>.self, forKey: .branches)
    phases = try container.decode(Set<Phase>.self, forKey: .phases)
    // Both bounds are steps that are kept, unlike those of a range of tokens.
    steps = try container.indexRangeIfPresent(forKey: .steps).map { $0.lowerBound...$0.upperBound }
    precision = try container.decode(Precision.self, forKey: .precision)
    queries = try container.decodeIfPresent([String].self, forKey: .queries) ?? []
    reducedHeads = try container.decodeIfPresent(
      RecordedSite.HeadReduction.self, forKey: .reducedHeads)
    summedColumns = try container.decodeIfPresent([String].self, forKey: .summedColumns) ?? []
    cells = try container.decodeIfPresent(Int.self, forKey: .cells)
  }

  /// Writes the sets in one order, so that the same plan is always the same bytes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(layers, forKey: .layers)
    try container.encodeIfPresent(heads, forKey: .heads)
    try container.encodeIfPresent(tokens, forKey: .tokens)
    try container.encode(Branch.allCases.filter(branches.contains), forKey: .branches)
    try container.encode(Phase.allCases.filter(phases.contains), forKey: .phases)
    try container.encodeIfPresent(steps, forKey: .steps)
    try container.encode(precision, forKey: .precision)
    if !queries.isEmpty { try container.encode(queries, forKey: .queries) }
    try container.encodeIfPresent(reducedHeads, forKey: .reducedHeads)
    if !summedColumns.isEmpty { try container.encode(summedColumns, forKey: .summedColumns) }
    try container.encodeIfPresent(cells, forKey: .cells)
  }

  /// Whether anything of `pass` is kept for at least one of its branches.
  public func keeps(_ pass: AttentionPass) -> Bool {
    phases.contains(pass.phase) && steps?.contains(pass.step) ?? true
      && pass.branches.contains(where: branches.contains)
  }

  /// Whether the maps and queries of a call are kept.
  func keeps(_ call: CallRecord) -> Bool {
    phases.contains(call.phase) && steps?.contains(call.step) ?? true
      && branches.contains(call.branch)
  }

  /// Whether maps of `site` are kept for at least one of its heads.
  public func keeps(_ site: AttentionSite) -> Bool { recorded(site) != nil }

  /// The part of `site` that is kept, on the layer's own grid and without summed columns; `nil` for none of
  /// it.
  package func recorded(_ site: AttentionSite) -> RecordedSite? {
    recorded(site, textKeys: site.kind == .joint ? max(site.keys - site.cells, 0) : site.keys)
  }

  /// The same where the first `textKeys` keys are the tokens of a text; ignored for self-attention.
  func recorded(_ site: AttentionSite, textKeys: Int) -> RecordedSite? {
    guard layers.contains(where: { LayerPattern($0).matches(site) }) else { return nil }
    let kept = heads.map { Set($0).filter { $0 < site.heads }.sorted() } ?? Array(0..<site.heads)
    guard !kept.isEmpty else { return nil }
    guard site.kind.readsText else {
      return RecordedSite(site: site, heads: kept, tokens: nil, reducedHeads: reducedHeads)
    }
    let keys = tokens.map { Set($0).sorted() } ?? Array(0..<textKeys)
    return RecordedSite(site: site, heads: kept, tokens: keys, reducedHeads: reducedHeads)
  }

  /// Whether the queries of `site` are kept.
  package func keepsQueries(of site: AttentionSite) -> Bool {
    site.kind == .cross && site.width != nil
      && queries.contains { LayerPattern($0).matches(site) }
  }

  /// The arrays that hold what is kept of `sites`: maps in the sites' order, then queries.
  func arrays(of sites: [AttentionSite]) -> [RecordedArray] {
    sites.compactMap { recorded($0) }.map(RecordedArray.maps)
      + sites.filter(keepsQueries).map(RecordedArray.queries)
  }

  /// Checks every pattern and index against a model's `sites` and a run's number of iterations.
  /// - Throws: `TraceError.unmatchedPattern` or `TraceError.badSelection`.
  public func validate(sites: [AttentionSite], iterations: Int) throws {
    for pattern in layers where !sites.contains(where: LayerPattern(pattern).matches) {
      throw TraceError.unmatchedPattern(pattern, sites: sites.map(\.path))
    }
    // What another program's recorder can do besides, this one does not.
    for (what, got) in [
      ("cells", cells.map(String.init)),
      ("summedColumns", summedColumns.isEmpty ? nil : summedColumns.joined(separator: ",")),
    ] {
      guard let got else { continue }
      throw TraceError.badSelection(
        what: what, got: got, expected: "none, since Heed records every cell and token itself"
      )
    }
    let cross = sites.filter { $0.kind == .cross }
    for pattern in queries where !cross.contains(where: LayerPattern(pattern).matches) {
      throw TraceError.unmatchedPattern(pattern, sites: cross.map(\.path))
    }
    let matched = sites.filter { site in layers.contains { LayerPattern($0).matches(site) } }
    try check(heads, of: "head", below: matched.map(\.heads).max() ?? 0)
    let keys = matched.filter { $0.kind == .cross }.map(\.keys)
    if !keys.isEmpty { try check(tokens, of: "token", below: keys.min() ?? 0) }
    if let steps, steps.lowerBound < 0 || steps.upperBound >= iterations {
      throw TraceError.badSelection(
        what: "steps", got: "\(steps.lowerBound)..\(steps.upperBound)",
        expected: "within 0..\(iterations - 1)")
    }
    for (what, isEmpty) in [
      ("layers", layers.isEmpty), ("branches", branches.isEmpty), ("phases", phases.isEmpty),
    ] where isEmpty {
      throw TraceError.badSelection(what: what, got: "(none)", expected: "at least one")
    }
  }

  /// Refuses an empty selection and the first index that is not in `0..<limit`.
  private func check(_ indices: [Int]?, of what: String, below limit: Int) throws {
    guard let indices else { return }
    if indices.isEmpty {
      throw TraceError.badSelection(what: "\(what)s", got: "(none)", expected: "at least one")
    }
    for index in indices where !(0..<limit).contains(index) {
      throw TraceError.badSelection(
        what: what, got: "\(index)", expected: "an index in 0..\(limit - 1)")
    }
  }
}
