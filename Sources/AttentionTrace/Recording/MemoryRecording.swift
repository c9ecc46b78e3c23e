public import PromptText
public import TensorEngine

// Unsafe: a chunk that nobody writes any more is read as a whole.

/// Maps that a ``MemoryRecorder`` kept, with what is needed to put them together.
public struct MemoryRecording: Sendable {
  /// What was kept.
  public let plan: RecordingPlan
  /// The layers there are maps of, in the model's order.
  public let sites: [RecordedSite]
  /// The prompt whose tokens are the last axis of the conditional branch's maps.
  public let prompt: TokenTable
  /// The negative prompt whose tokens are the last axis of the unconditional branch's maps; `nil`
  /// without guidance.
  public let negative: TokenTable?
  /// The grid that the method's loss reads.
  public let lossGrid: Grid
  /// Whether that loss leaves out the end token and all after it.
  public let lossStopsAtEnd: Bool
  /// The calls that were observed, in order.
  public private(set) var calls: [CallRecord] = []
  /// By call, then by site; nobody writes into them any more.
  private var chunks: [[ChunkBuffer?]] = []

  init(
    plan: RecordingPlan, sites: [RecordedSite], prompt: TokenTable, negative: TokenTable?,
    lossGrid: Grid, lossStopsAtEnd: Bool
  ) {
    self.plan = plan
    self.sites = sites
    self.prompt = prompt
    self.negative = negative
    self.lossGrid = lossGrid
    self.lossStopsAtEnd = lossStopsAtEnd
  }

  mutating func append(_ call: CallRecord, chunks: [ChunkBuffer?]) {
    calls.append(call)
    self.chunks.append(chunks)
  }

  /// The maps of a site in a call, `[head, row, column, token]`; `nil` if they were not kept.
  public func maps(_ site: String, call: Int) -> Tensor? {
    guard let index = sites.firstIndex(where: { $0.site.path == site }),
      chunks.indices.contains(call), let chunk = chunks[call][index]
    else { return nil }
    return unsafe RecordedArray.maps(sites[index]).tensor(
      UnsafeRawBufferPointer(chunk.elements), plan.precision)
  }
}
