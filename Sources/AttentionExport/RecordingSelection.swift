internal import AttentionAnalysis
public import AttentionTrace

/// The selected part of a recording; an optional that is `nil` selects everything.
public struct RecordingSelection: Hashable, Sendable {
  /// Patterns of layers: a glob over site paths (`up*`) or a grid (`16x16`).
  ///
  /// A pattern takes self-attention only where it says `attn1`.
  public var layers: [String]?
  /// Heads by index, ascending; one that a layer lacks is skipped.
  public var heads: [Int]?
  /// Tokens by index, ascending; does not apply to self-attention.
  public var tokens: [Int]?
  /// Iterations of the scheduler.
  public var steps: ClosedRange<Int>?
  /// Branches of guidance.
  public var branches: Set<Branch>?
  /// Phases of the passes.
  public var phases: Set<Phase>?

  /// Selects what is named; by default, the whole recording.
  public init(
    layers: [String]? = nil, heads: [Int]? = nil, tokens: [Int]? = nil,
    steps: ClosedRange<Int>? = nil, branches: Set<Branch>? = nil, phases: Set<Phase>? = nil
  ) {
    self.layers = layers
    self.heads = heads
    self.tokens = tokens
    self.steps = steps
    self.branches = branches
    self.phases = phases
  }

  /// Whether `call` is one of those taken.
  func takes(_ call: CallRecord) -> Bool {
    steps?.contains(call.step) ?? true && branches?.contains(call.branch) ?? true
      && phases?.contains(call.phase) ?? true
  }

  /// Whether maps of `site` are taken.
  func takes(_ site: RecordedSite) -> Bool {
    layers?.contains { LayerPattern($0).matches(site) } ?? true
  }

  /// Whether `head` is taken.
  func takes(head: Int) -> Bool { heads?.contains(head) ?? true }
}

extension RecordedRun {
  /// The layers that `selection` takes, in the model's order.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` for a pattern, a head or a
  ///   token of which nothing was recorded.
  func layers(_ selection: RecordingSelection) throws -> [SelectedLayer] {
    func nothing(_ what: String, _ recorded: String) -> AnalysisError {
      .nothingSelected(
        run: folder.path, what: what, recorded: recorded.isEmpty ? "no layer" : recorded)
    }
    let paths = sites.map(\.site.path).joined(separator: ", ")
    for pattern in selection.layers ?? []
    where !sites.contains(where: { LayerPattern(pattern).matches($0) }) {
      throw nothing("layers '\(pattern)'", paths)
    }
    let sites = sites.filter(selection.takes)
    guard !sites.isEmpty else { throw nothing("layers", paths) }
    let heads = Set(sites.filter { $0.reducedHeads == nil }.flatMap(\.heads))
    if let head = selection.heads?.first(where: { !heads.contains($0) }) {
      throw nothing(
        "head \(head)", heads.isEmpty ? "the mean over heads" : "heads \(Self.list(heads))")
    }
    let tokens = Set(sites.flatMap { $0.tokens ?? [] })
    if let token = selection.tokens?.first(where: { !tokens.contains($0) }) {
      throw nothing("token \(token)", "tokens \(Self.list(tokens))")
    }
    let layers = sites.map { site in
      SelectedLayer(
        recorded: site,
        heads: selection.heads == nil
          ? site.headIndices : site.headIndices.filter(selection.takes(head:)),
        keys: site.tokens.flatMap { kept in
          selection.tokens.map { wanted in kept.filter(wanted.contains) }
        } ?? site.columnIndices)
    }.filter { !$0.heads.isEmpty && !$0.keys.isEmpty }
    guard !layers.isEmpty else { throw nothing("heads and tokens together", paths) }
    return layers
  }

  private static func list(_ indices: Set<Int>) -> String {
    indices.isEmpty ? "none" : indices.sorted().map(String.init).joined(separator: ", ")
  }

  /// The acknowledged calls that `selection` takes and of which maps of `layers` were recorded.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` when there are none.
  func calls(_ selection: RecordingSelection, of layers: [SelectedLayer]) throws -> [CallRecord] {
    if let steps = selection.steps, steps.upperBound >= manifest.timesteps.count {
      throw AnalysisError.nothingSelected(
        run: folder.path, what: TableText.steps(steps, to: ".."),
        recorded: "a run of " + TableText.steps(0...(manifest.timesteps.count - 1), to: ".."))
    }
    let recorded = calls.filter { call in
      layers.contains { call.checksums[$0.site.path] != nil }
    }
    let taken = recorded.filter(selection.takes)
    guard !taken.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: folder.path, what: "a selected call", recorded: Self.summary(of: recorded))
    }
    return taken
  }

  /// Which calls there are, in words.
  private static func summary(of calls: [CallRecord]) -> String {
    guard let first = calls.map(\.step).min(), let last = calls.map(\.step).max() else {
      return "no call yet"
    }
    func names<Value: RawRepresentable & CaseIterable & Hashable>(
      _ values: [Value]
    ) -> String where Value.RawValue == String {
      Value.allCases.filter(Set(values).contains).map(\.rawValue).joined(separator: " and ")
    }
    return "\(calls.count) \(calls.count == 1 ? "call" : "calls"): "
      + "\(TableText.steps(first...last, to: "..")), \(names(calls.map(\.branch))), "
      + names(calls.map(\.phase))
  }
}
