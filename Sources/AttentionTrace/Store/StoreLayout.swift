internal import PromptText

/// The arrays of a store: those that are recorded, and the coordinates.
package struct StoreLayout {
  let recorded: [RecordedArray]
  let precision: RecordingPlan.Precision
  let attributes: StoreAttributes
  /// The branches whose calls are kept.
  private let branches: Set<Branch>
  /// Names of the coordinates of heads and tokens, and the indices they hold.
  let axes: [String: [Int]]
  /// Names of the summed columns of each coordinate of tokens.
  private let sums: [String: [String]]

  private static let comment = """
    Attention probabilities: over all keys of a layer each row sums to 1, up to the rounding of the \
    stored type. A call is one evaluation of the UNet for \
    one branch of guidance. Every call of the run has its coordinates; maps are NaN for calls whose \
    maps the plan did not record, and for calls that were not made or not acknowledged.
    """

  private static let commentOnBranches = """
     Tokens of conditional calls are those of the prompt (token_pieces); tokens of unconditional calls \
    are those of the negative prompt (negative_token_pieces).
    """

  private static let commentOnQueries = """
     Arrays named LAYER.queries hold what each pixel asks of the tokens: row times column times \
    width, in which a head's numbers lie beside the next head's. Softmax over tokens of a query \
    times a key, times the attribute scale, gives the probabilities of any prompt's tokens.
    """

  init(recorded: [RecordedArray], manifest: RunManifest, precision: RecordingPlan.Precision) {
    self.recorded = recorded
    self.precision = precision
    let sites = recorded.compactMap { if case .maps(let site) = $0 { site } else { nil } }
    let queries = recorded.filter(\.isOfQueries).map(\.site)
    branches = manifest.plan?.branches ?? [.conditional]
    let negative = branches.contains(.unconditional) ? manifest.tokens(of: .unconditional) : nil
    attributes = StoreAttributes(
      comment: Self.comment + (negative == nil ? "" : Self.commentOnBranches)
        + (queries.isEmpty ? "" : Self.commentOnQueries),
      version: manifest.version, model: manifest.model.name, method: manifest.method.name,
      seed: manifest.seed, prompt: manifest.tokens.prompt,
      pieces: manifest.tokens.tokens.map(\.piece), negativePrompt: negative?.prompt,
      negativePieces: negative?.tokens.map(\.piece), subjects: manifest.subjects,
      precision: precision, sites: sites, queries: queries.isEmpty ? nil : queries)
    var axes: [String: [Int]] = [:]
    var sums: [String: [String]] = [:]
    for site in sites {
      axes[Self.headAxis(of: site, among: sites)] = site.headIndices
      if site.tokens != nil {
        axes[Self.keyAxis(of: site, among: sites)] = site.columnIndices
        sums[Self.keyAxis(of: site, among: sites)] = site.summedColumns.map(\.name)
      }
    }
    self.axes = axes
    self.sums = sums
  }

  /// Whether a name stands for something else than a layer's maps, in a store or in an export: a
  /// coordinate, an axis, the queries of a layer, the description of a group.
  package static func isTaken(_ name: String) -> Bool {
    if name == "zarr.json" || name.hasSuffix(RecordedArray.queriesName("")) { return true }
    let parts = name.split(separator: "_", omittingEmptySubsequences: false)
    let lengths = parts.dropFirst().drop { $0 == "unconditional" }
    return taken.contains(name)
      || taken.contains(String(parts[0])) && lengths.allSatisfy { Int($0) != nil }
  }

  /// Whether an array counts its axis from 0, as readers of Zarr do by themselves: a packed store has no
  /// file of it.
  func isCount(_ name: String) -> Bool {
    name == "call" || axes[name].map { $0 == Array($0.indices) } ?? false
  }

  /// How the chunks of an array lie in its folder.
  func chunks(
    of array: String, in folder: Directory, packed: PackedStore?
  ) -> ArrayChunks? {
    guard let described = arrays(calls: 0)[array], let type = described.type else { return nil }
    return ArrayChunks(
      in: folder, axes: described.shape.count,
      chunkBytes: described.chunk.reduce(1, *) * type.bytes + 4,
      shardCount: packed.map { $0.shards[array] ?? 0 })
  }

  /// Names of coordinates and axes, which may have a length behind them, as in `head_8`.
  private static let taken: Set<String> = Set(CallCoordinate.allCases.map(\.rawValue)).union([
    "call", "head", "token", "row", "column", "key", "width", "frame", "position", "run", "seed",
    "method_name", "word", "piece",
  ])

  /// The description of each array when the run has `calls` of them.
  func arrays(calls: Int) -> [String: ZarrArray] {
    var arrays: [String: ZarrArray] = [:]
    for array in recorded {
      arrays[array.name] = ZarrArray(
        shape: [calls] + array.shape, chunk: [1] + array.shape,
        type: precision == .float16 ? .float16 : .float32,
        dimensions: dimensions(of: array), attributes: attributes(of: array))
    }
    for (name, indices) in axes {
      let isToken = name.hasPrefix("token")
      arrays[name] = ZarrArray(
        shape: [indices.count], chunk: [max(indices.count, 1)], type: .int32, dimensions: [name],
        attributes: ZarrAttributes(
          longName: isToken ? "position in the text's window" : "head of the layer, from 0",
          pieces: isToken && branches.contains(.conditional)
            ? pieces(of: indices, in: attributes.pieces) + marks(of: name) : nil,
          unconditionalPieces: isToken
            ? attributes.negativePieces.map { pieces(of: indices, in: $0) + marks(of: name) } : nil)
      )
    }
    arrays["call"] = ZarrArray(
      shape: [calls], chunk: [CallCoordinate.chunk], type: .int32, dimensions: ["call"],
      attributes: ZarrAttributes(longName: "position in the run, from 0"))
    for coordinate in CallCoordinate.allCases {
      arrays[coordinate.rawValue] = ZarrArray(
        shape: [calls], chunk: [CallCoordinate.chunk], type: coordinate.type, dimensions: ["call"],
        attributes: coordinate.attributes)
    }
    return arrays
  }

  private func pieces(of tokens: [Int], in all: [String]) -> [String] {
    tokens.filter(all.indices.contains).map { all[$0] }
  }

  /// The summed columns as pieces, as in `<padding>`.
  private func marks(of axis: String) -> [String] { (sums[axis] ?? []).map { "<\($0)>" } }

  private func dimensions(of array: RecordedArray) -> [String] {
    func cells(_ grid: Grid) -> [String] { ["row_\(grid.rows)", "column_\(grid.columns)"] }
    switch array {
    case .queries(let site): return ["call"] + cells(site.grid) + ["width_\(array.shape[2])"]
    case .maps(let site):
      let sites = attributes.sites
      let keys =
        site.tokens == nil ? "key_\(site.columns)" : Self.keyAxis(of: site, among: sites)
      return ["call", Self.headAxis(of: site, among: sites)]
        + (site.site.frames.map { ["frame_\($0)"] } ?? []) + cells(site.grid) + [keys]
    }
  }

  private func attributes(of array: RecordedArray) -> ZarrAttributes {
    let site = array.site
    let kind = "\(site.kind.rawValue)-attention"
    var attributes = ZarrAttributes(
      longName: "\(kind) \(array.point.rawValue)",
      coordinates: CallCoordinate.allCases.map(\.rawValue).joined(separator: " "))
    if let width = site.width, array.isOfQueries {
      attributes.heads = site.heads
      attributes.scale = 1 / (Double(width) / Double(site.heads)).squareRoot()
    }
    return attributes
  }

  /// `head`; with the number of heads where layers differ, since a name has one length in xarray.
  private static func headAxis(of site: RecordedSite, among sites: [RecordedSite]) -> String {
    sites.allSatisfy { $0.headIndices == site.headIndices }
      ? "head" : "head_\(site.headIndices.count)"
  }

  /// `token`; with the number of the layer's keys where layers keep or sum up other ones.
  private static func keyAxis(of site: RecordedSite, among sites: [RecordedSite]) -> String {
    let same = sites.allSatisfy {
      $0.tokens == nil
        || $0.tokens == site.tokens && $0.summedColumns == site.summedColumns
    }
    return same ? "token" : "token_\(site.site.keys)"
  }
}
