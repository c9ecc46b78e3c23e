/// One array of a store: what it holds of a layer.
enum RecordedArray: Hashable, Sendable {
  /// Probabilities of the chosen heads and tokens.
  case maps(RecordedSite)
  /// Queries of a cross-attention whose width is known.
  case queries(AttentionSite)

  /// The layer as the model has it.
  var site: AttentionSite {
    switch self {
    case .maps(let recorded): recorded.site
    case .queries(let site): site
    }
  }

  /// The array's name in the store and in the journal: the layer's path, or `<path>.queries`.
  var name: String { isOfQueries ? Self.queriesName(site.path) : site.path }

  /// The name of the array of a layer's queries.
  static func queriesName(_ path: String) -> String { path + ".queries" }

  var isOfQueries: Bool { if case .queries = self { true } else { false } }

  /// The point of the layer that is recorded.
  var point: AttentionPoint { isOfQueries ? .queries : .probabilities }

  /// Extents of one call: ``RecordedSite/shape`` or `[row, column, width]`.
  var shape: [Int] {
    switch self {
    case .maps(let recorded): recorded.shape
    case .queries(let site): [site.grid.rows, site.grid.columns, site.width ?? 0]
    }
  }

  /// The number of elements of one call.
  var count: Int { shape.reduce(1, *) }

  /// The name of a call's chunk: there is one a call, so the other axes count 0.
  func chunkName(_ call: Int) -> String {
    ChunkNames.file(call, axes: shape.count + 1)
  }

  /// The call of a chunk by its name; `nil` for any other name.
  func call(ofChunk name: String) -> Int? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == shape.count + 2, let call = Int(parts[1]), chunkName(call) == name else {
      return nil
    }
    return call
  }
}
