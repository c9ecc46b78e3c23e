public import AttentionAnalysis
public import AttentionTrace
internal import Pictures
internal import PromptText

extension NeglectSheet {
  /// A sheet of recorded runs, without a model; their prompts may differ.
  ///
  /// - Parameters:
  ///   - runs: in any order.
  ///   - cases: how many are shown, those with the least attended subject first.
  ///   - criteria: when a subject counts as neglected.
  ///   - recipe: how maps are made; `nil` for the mean over heads, the layers that the loss reads,
  ///     and the steps that the verdict judges.
  ///   - weights: the head weights that the recipe names, by path.
  ///   - software: what draws the sheet, with the version.
  /// - Throws: `AnalysisError` for a run without subjects, one that lacks what the recipe asks for,
  ///   and when no run measured or recorded anything; `TraceError` and ``FigureError`` when a file
  ///   is damaged, ``FigureError`` for no run and one given twice.
  public init(
    runs: [RecordedRun], cases: Int = Self.defaultCases,
    criteria: NeglectCriteria = NeglectCriteria(), recipe: Recipe? = nil,
    weights: [String: HeadWeights] = [:], software: String
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    let byPath = Dictionary(runs.map { ($0.folder.path, $0) }, uniquingKeysWith: { $1 })
    if byPath.count < runs.count {
      throw FigureError.inconsistentSheet(
        "\(runs.count) runs in \(byPath.count) folders: one is given twice")
    }
    let reports = NeglectReport.ranked(
      try runs.map { try NeglectReport($0, criteria: criteria) })
    let shown = reports.prefix(cases)
    var maps: [[SubjectMap]?] = []
    for report in shown {
      guard let run = byPath[report.path] else { continue }
      maps.append(try Self.maps(run, recipe, weights, window: report.window))
    }
    guard reports.contains(where: { !$0.weakest.isNaN }) || maps.contains(where: { $0 != nil })
    else {
      throw AnalysisError.nothingSelected(
        run: first.folder.path, what: "largest attention or maps of subjects",
        recorded: "\(first.calls.count) calls without either")
    }
    self.cases = try zip(shown, maps).map { report, maps in
      try Case(report, maps, among: reports)
    }
    self.criteria = criteria
    notes = Self.notes(reports, shown: shown.count)
    quantity = Self.quantity(maps.lazy.compactMap { $0?.first }.first, recipe, shown.map(\.window))
    let prompts = Set(runs.map(\.manifest.tokens.prompt))
    metadata = Scene.Metadata(
      of: first.manifest, software: software,
      manifest: "{\"layout\": \"neglect\", \"cases\": \(shown.count), "
        + "\"recipe\": \(Scene.json(recipe?.description ?? "")), \"runs\": \(runs.count)}")
    if prompts.count > 1 { metadata.title = "Neglect in runs of \(prompts.count) prompts" }
  }

  /// The subjects' maps; `nil` if the run recorded none of those that are made without a recipe.
  private static func maps(
    _ run: RecordedRun, _ recipe: Recipe?, _ weights: [String: HeadWeights],
    window: ClosedRange<Int>
  ) throws -> [SubjectMap]? {
    let subjects = run.manifest.subjects
    if let recipe {
      return try run.maps(
        of: subjects, by: recipe.resolved(for: run.manifest), weights: weights)
    }
    let judged = Recipe(layers: Recipe.lossGrid, steps: window).resolved(for: run.manifest)
    do {
      return try run.maps(of: subjects, by: judged)
    } catch AnalysisError.nothingSelected {
      return nil
    }
  }

  private static func quantity(
    _ map: SubjectMap?, _ recipe: Recipe?, _ windows: [ClosedRange<Int>]
  ) -> String {
    guard let map else { return "no map was recorded" }
    if let recipe { return "maps by \(recipe.description)" }
    let steps = Set(windows).count == 1 ? windows.first : nil
    return CompareSheet.quantity(map) + ", "
      + (steps.map { "steps \($0.lowerBound)–\($0.upperBound)" } ?? "the judged steps")
  }

  /// What is left out, and how often each method neglected a subject.
  private static func notes(_ reports: [NeglectReport], shown: Int) -> [String] {
    var notes: [String] = []
    if shown < reports.count {
      let next = reports[shown].weakest
      let least =
        next.isNaN
        ? "was not measured" : "has at least \(NumberText.tick(Double(next), step: 0.001))"
      notes.append(
        "\(shown) of \(reports.count) cases are shown, the most neglected first; in the "
          + "\(reports.count - shown) left out the weakest subject \(least).")
    }
    let counts = reports.map(\.manifest.method.name).uniqued.map { method in
      let runs = reports.filter { $0.manifest.method.name == method }
      let neglected = runs.count { report in
        report.subjects.contains { $0.verdict == .neglected || $0.verdict == .lost }
      }
      return "\(CompareSheet.title(method)) \(neglected) of \(runs.count)"
    }
    notes.append("Runs with a neglected or lost subject: \(counts.joined(separator: ", ")).")
    let unfinished = reports.count { $0.manifest.status == .running }
    if unfinished > 0 {
      notes.append(
        "\(unfinished) of \(reports.count) runs are unfinished: judged as far as they are.")
    }
    return notes
  }
}

extension NeglectSheet.Case {
  fileprivate init(
    _ report: NeglectReport, _ maps: [SubjectMap]?, among all: [NeglectReport]
  ) throws {
    self.init(
      prompt: report.manifest.tokens.prompt,
      method: CompareSheet.title(report.manifest.method.name), seed: report.manifest.seed,
      image: try Picture.read(RunFolder(path: report.path).image),
      subjects: report.subjects.enumerated().map { index, subject in
        NeglectSheet.Subject(
          name: subject.subject.name, tokens: CompareSheet.tokens(subject.subject),
          late: subject.late, verdict: subject.verdict, reason: subject.reason,
          map: maps.map { HeatMap($0[index].map) })
      },
      others: try Self.others(report, among: all))
  }

  /// What other methods made of the same noise.
  private static func others(
    _ report: NeglectReport, among all: [NeglectReport]
  ) throws -> [NeglectSheet.Other] {
    let manifest = report.manifest
    return try all.filter { other in
      other.manifest.method.name != manifest.method.name
        && other.manifest.seed == manifest.seed
        && other.manifest.incomparability(with: manifest) == nil
    }.map { other in
      let subjects = other.subjects.map { subject in
        let late =
          subject.late.isNaN ? "" : " " + NumberText.tick(Double(subject.late), step: 0.001)
        return "\(subject.subject.name)\(late) (\(NeglectLayout.word(subject.verdict)))"
      }
      return NeglectSheet.Other(
        method: CompareSheet.title(other.manifest.method.name),
        image: try Picture.read(RunFolder(path: other.path).image),
        words: subjects.joined(separator: ", "))
    }
  }
}
