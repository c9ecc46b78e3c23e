internal import AttentionAnalysis
internal import AttentionTrace
internal import Diffusion
internal import PromptText
internal import TensorEngine

/// The maps that an asked prompt's words would have had in a run, made of its recorded queries.
///
/// They stand where recorded maps do: every recipe reads them, call by call.
struct AskedMaps: RunDerivedSource {
  let run: RecordedRun
  private let keys: PromptKeys

  /// - Parameter keys: of every layer whose queries the run has.
  init(_ run: RecordedRun, _ keys: PromptKeys) {
    self.run = run
    self.keys = keys
  }

  var prompt: TokenTable { keys.prompt }

  /// The asked text, whose keys stand for those of every branch.
  func tokens(of branch: Branch) -> TokenTable? { prompt }

  var sites: [RecordedSite] {
    run.queriedSites.map { site in
      // The run's texts may take more windows than the asked one.
      let asked = AttentionSite(
        path: site.path, kind: site.kind, heads: site.heads, grid: site.grid,
        keys: prompt.tokens.count, width: site.width)
      return RecordedSite(
        site: asked, heads: Array(0..<site.heads), tokens: Array(prompt.tokens.indices))
    }
  }

  func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
    run.hasQueries(of: site.site.path, in: call)
  }

  func missing(_ site: RecordedSite) -> Set<Int> { run.missingQueries(of: site.site.path) }

  func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor? {
    try run.queries(site.site.path, call: call.call).map {
      keys.probabilities(of: $0, at: site.site)
    }
  }
}
