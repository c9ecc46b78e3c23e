public import AttentionTrace
public import PromptText
public import TensorEngine

/// Where a recipe reads the maps of one layer in one call: a recorded run, a recording in memory, or
/// whatever makes maps.
public protocol ChunkSource: Sendable {
  /// What messages call it, as the path of a run's folder.
  var name: String { get }
  /// The prompt whose tokens are the last axis of the conditional branch's maps.
  var prompt: TokenTable { get }
  /// The layers there are maps of, and which heads and tokens, in the model's order.
  var sites: [RecordedSite] { get }
  /// The calls that were made, in order, whether or not there are maps of them.
  var calls: [CallRecord] { get }
  /// How many iterations the scheduler makes; a step of a recipe lies below.
  var iterations: Int { get }
  /// The halves of guidance that are kept.
  var branches: Set<Branch> { get }
  /// The kinds of passes that are kept.
  var phases: Set<Phase> { get }
  /// The grid that the loss of the method reads: ``Recipe/lossGrid`` stands for it.
  var lossGrid: Grid { get }
  /// Whether the loss leaves out the end token and all after it; otherwise it leaves out the window's
  /// last token alone. Both leave out the start token.
  var lossStopsAtEnd: Bool { get }

  /// The text whose tokens are the last axis of a branch's maps; `nil` where it is not known.
  func tokens(of branch: Branch) -> TokenTable?

  /// Whether maps of a layer were acknowledged in a call.
  func holds(_ site: RecordedSite, in call: CallRecord) -> Bool

  /// Calls in which maps of a layer were acknowledged, but are missing.
  func missing(_ site: RecordedSite) -> Set<Int>

  /// The maps of a layer in a call, `[head, row, column, token]`, or `[head, frame, row, column, token]`
  /// where it has frames; `nil` if they were not recorded.
  /// - Throws: `TraceError` when the store is damaged.
  func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor?
}

extension RecordedRun: ChunkSource {
  /// The folder's path.
  public var name: String { folder.path }
  /// The run's prompt.
  public var prompt: TokenTable { manifest.tokens }
  /// The run's prompt, or its negative prompt.
  public func tokens(of branch: Branch) -> TokenTable? { manifest.tokens(of: branch) }
  /// How many timesteps the scheduler made of the run's steps.
  public var iterations: Int { manifest.timesteps.count }
  /// The branches of the run's plan; empty if nothing was recorded.
  public var branches: Set<Branch> { manifest.plan?.branches ?? [] }
  /// The phases of the run's plan; empty if nothing was recorded.
  public var phases: Set<Phase> { manifest.plan?.phases ?? [] }
  /// The grid that the run's objective reads.
  public var lossGrid: Grid { manifest.method.grid }
  /// The method's setting `normalize-eot`.
  public var lossStopsAtEnd: Bool { manifest.settings["normalize-eot"] == "true" }

  /// Whether the journal has the layer's chunk of a call.
  public func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
    call.checksums[site.site.path] != nil
  }

  /// Calls whose chunk is missing.
  public func missing(_ site: RecordedSite) -> Set<Int> { missingChunks(of: site.site.path) }

  /// The recorded maps.
  public func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor? {
    try maps(site.site.path, call: call.call)
  }
}

extension MemoryRecording: ChunkSource {
  /// Its name in messages.
  public var name: String { "recording in memory" }
  /// The prompt, or the negative prompt.
  public func tokens(of branch: Branch) -> TokenTable? {
    branch == .conditional ? prompt : negative
  }
  /// One more than the last step that was observed.
  public var iterations: Int { (calls.map(\.step).max() ?? -1) + 1 }
  /// The branches of the plan.
  public var branches: Set<Branch> { plan.branches }
  /// The phases of the plan.
  public var phases: Set<Phase> { plan.phases }

  /// Whether the layer lent its maps in a call.
  public func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
    maps(site.site.path, call: call.call) != nil
  }

  /// Empty: a recording in memory is always complete.
  public func missing(_ site: RecordedSite) -> Set<Int> { [] }

  /// The maps that were kept.
  public func chunk(_ site: RecordedSite, in call: CallRecord) -> Tensor? {
    maps(site.site.path, call: call.call)
  }
}
