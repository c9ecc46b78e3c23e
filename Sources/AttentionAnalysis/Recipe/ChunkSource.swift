public import AttentionTrace
public import PromptText
public import TensorEngine

/// Where a recipe reads the maps of one layer in one call: a recording, or whatever makes maps of
/// one.
public protocol ChunkSource: Sendable {
  /// The run whose calls they are.
  var run: RecordedRun { get }
  /// The layers there are maps of, and which heads and tokens, in the model's order.
  var sites: [RecordedSite] { get }
  /// The prompt whose tokens are the maps' last axis.
  var prompt: TokenTable { get }

  /// Whether maps of a layer were acknowledged in a call.
  func holds(_ site: RecordedSite, in call: CallRecord) -> Bool

  /// Calls in which maps of a layer were acknowledged, but are gone.
  func missing(_ site: RecordedSite) -> Set<Int>

  /// The maps of a layer in a call, `[head, row, column, token]`; `nil` if they were not recorded.
  /// - Throws: `TraceError` when the store is damaged.
  func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor?
}

extension RecordedRun: ChunkSource {
  /// Itself.
  public var run: RecordedRun { self }
  /// The run's own.
  public var prompt: TokenTable { manifest.tokens }

  /// Whether the journal has the layer's chunk of a call.
  public func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
    call.checksums[site.site.path] != nil
  }

  /// Calls whose chunk is gone.
  public func missing(_ site: RecordedSite) -> Set<Int> { missingChunks(of: site.site.path) }

  /// The recorded maps.
  public func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor? {
    try maps(site.site.path, call: call.call)
  }
}
