internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The part of a recording that a selection takes, for a recipe to read.
///
/// Its tokens stay whole: a recipe may have to read all of them for the sake of some.
struct SelectedRun: RunDerivedSource {
  let run: RecordedRun
  let sites: [RecordedSite]
  private let selection: RecordingSelection
  private let layers: [String: SelectedLayer]

  /// - Throws: as ``RecordedRun/layers(_:)``.
  init(_ run: RecordedRun, _ selection: RecordingSelection) throws {
    var whole = selection
    whole.tokens = nil
    let layers = try run.layers(whole)
    self.run = run
    self.selection = selection
    self.layers = Dictionary(uniqueKeysWithValues: layers.map { ($0.site.path, $0) })
    sites = layers.map { layer in
      let recorded = layer.recorded
      return RecordedSite(
        site: recorded.site, heads: recorded.reducedHeads == nil ? layer.heads : recorded.heads,
        tokens: recorded.tokens, reducedHeads: recorded.reducedHeads,
        summedColumns: recorded.summedColumns, grid: recorded.grid)
    }
  }

  var prompt: TokenTable { run.manifest.tokens }

  func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
    selection.takes(call) && run.holds(site, in: call)
  }

  func missing(_ site: RecordedSite) -> Set<Int> {
    run.missingChunks(of: site.site.path).filter { selection.takes(run.calls[$0]) }
  }

  func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor? {
    guard selection.takes(call), let layer = layers[site.site.path],
      let maps = try run.maps(site.site.path, call: call.call)
    else { return nil }
    return layer.isWhole ? maps : Tensor(layer.selected(maps), shape: layer.shape)
  }
}
