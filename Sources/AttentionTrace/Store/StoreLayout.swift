internal import PromptText

/// The arrays of a store: those that are recorded, and the coordinates.
struct StoreLayout {
  let recorded: [RecordedArray]
  let precision: RecordingPlan.Precision
  let attributes: StoreAttributes
  /// The branches whose calls are kept.
  private let branches: Set<Branch>
  /// Names of the coordinates of heads and tokens, and the indices they hold.
  let axes: [String: [Int]]

  private static let comment = """
    Attention probabilities: over all tokens of the window (or all keys, for self-attention) each \
    row sums to 1, up to the rounding of the stored type. A call is one evaluation of the UNet for \
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
    for site in sites {
      axes[Self.headAxis(of: site, among: sites)] = site.heads
      if let tokens = site.tokens { axes[Self.keyAxis(of: site, among: sites)] = tokens }
    }
    self.axes = axes
  }

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
            ? pieces(of: indices, in: attributes.pieces) : nil,
          unconditionalPieces: isToken
            ? attributes.negativePieces.map { pieces(of: indices, in: $0) } : nil))
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

  private func dimensions(of array: RecordedArray) -> [String] {
    let grid = array.site.grid
    let cells = ["row_\(grid.rows)", "column_\(grid.columns)"]
    switch array {
    case .queries: return ["call"] + cells + ["width_\(array.shape[2])"]
    case .maps(let site):
      let sites = attributes.sites
      let keys =
        site.tokens == nil ? "key_\(site.keys)" : Self.keyAxis(of: site, among: sites)
      return ["call", Self.headAxis(of: site, among: sites)] + cells + [keys]
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
    sites.allSatisfy { $0.heads == site.heads } ? "head" : "head_\(site.heads.count)"
  }

  /// `token`; with the number of tokens where layers differ.
  private static func keyAxis(of site: RecordedSite, among sites: [RecordedSite]) -> String {
    let same = sites.allSatisfy { $0.tokens == nil || $0.tokens == site.tokens }
    return same ? "token" : "token_\(site.keys)"
  }
}
