import AttentionAnalysis
import AttentionTrace
internal import Drawing
internal import PromptText

/// A run as a report reads it: its cross-attention, and the words it has maps of.
struct ReportRecording {
  let run: RecordedRun
  /// Layers of cross-attention and joint attention, in the model's order.
  let sites: [RecordedSite]
  /// Tokens kept of each layer, ascending: the start token, the words of each branch's text, and the
  /// subjects; of a text without words its end token too.
  let tokens: [Int]
  /// Guidance branches with maps, the prompt's first.
  let branches: [Branch]
  /// Steps with maps, ascending.
  let steps: [Int]
  /// How many chunks were acknowledged but are missing.
  let missing: Int

  /// - Throws: `AnalysisError` when no denoising call has maps of the prompt's tokens.
  init(_ run: RecordedRun) throws {
    let sites = run.sites.filter { $0.site.kind.readsText }
    let calls = run.calls.filter { call in
      call.phase == .denoise && sites.contains { run.holds($0, in: call) }
    }
    let branches = [Branch.conditional, .unconditional].filter { branch in
      calls.contains { $0.branch == branch }
    }
    let texts = try branches.map { try run.table(of: $0) }
    let wanted = Set(
      texts.flatMap(Self.shown) + run.manifest.subjects.flatMap(\.tokens))
    tokens = sites.reduce(wanted) { $0.intersection($1.tokens ?? []) }.sorted()
    guard !tokens.isEmpty, !calls.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: run.folder.path,
        what:
          "the words' cross-attention in the passes that predict the noise, which a report shows",
        recorded: sites.isEmpty
          ? "no cross-attention" : "\(sites.count) layers, \(calls.count) such calls")
    }
    (self.run, self.sites) = (run, sites)
    self.branches = branches
    steps = Set(calls.map(\.step)).sorted()
    missing = sites.reduce(0) { $0 + run.missing($1).count }
  }

  /// The tokens shown of a text: of each text encoder the start token and the words; of a text without
  /// words the end token too.
  private static func shown(_ table: TokenTable) -> [Int] {
    func special(_ reference: WordReference) -> [Int] { (try? reference.tokens(in: table)) ?? [] }
    return special(.start)
      + (table.words.isEmpty ? special(.end) : table.words.flatMap(\.tokens))
  }

  /// Bytes that the maps take in base64, with `steps` steps kept and single heads for `headSteps`.
  func encodedSize(steps: Int, headSteps: Int) -> Int {
    let numbers = sites.reduce(0) { sum, site in
      let heads = site.singleHeads.count
      return sum + (site.site.frames ?? 1) * site.grid.pixels * tokens.count
        * (steps + headSteps * heads + heads + 1)
    }
    return numbers * 2 * branches.count * 4 / 3
  }
}

extension RecordedSite {
  /// The heads that are there one by one; none where their mean was recorded.
  var singleHeads: [Int] { reducedHeads == nil ? heads : [] }
}
