package import AttentionAnalysis
package import AttentionTrace
package import Drawing
package import Pictures
internal import PromptText

/// Runs ranked by their weakest subject: pictures, maps on one shared scale, and verdicts.
package struct NeglectSheet: Sendable {
  /// How many cases are shown unless a number is asked for.
  package static let defaultCases = 12

  /// A subject of a case.
  package struct Subject: Sendable {
    package var name: String
    /// As in `token 2`.
    package var tokens: String
    /// The mean of its excitation score over the judged steps; NaN if nothing was measured.
    package var score: Float
    package var verdict: NeglectVerdict
    /// The reason of the verdict, with its numbers.
    package var reason: String
    /// Its map; `nil` if none was recorded.
    package var map: AttentionMap?

    package init(
      name: String, tokens: String, score: Float, verdict: NeglectVerdict, reason: String,
      map: AttentionMap?
    ) {
      self.name = name
      self.tokens = tokens
      self.score = score
      self.verdict = verdict
      self.reason = reason
      self.map = map
    }
  }

  /// The result of another method from the same noise.
  package struct Other: Sendable {
    /// As in `Attend-and-Excite`.
    package var method: String
    package var image: Picture
    /// The verdicts on the subjects.
    package var words: String
    /// The boxes that the method kept subjects to, and those of a detector.
    var boxes: [PictureBox] = []

    package init(method: String, image: Picture, words: String) {
      self.method = method
      self.image = image
      self.words = words
    }
  }

  /// A run that is shown.
  package struct Case: Sendable {
    package var prompt: String
    /// As in `Attend-and-Excite`.
    package var method: String
    package var seed: UInt64
    package var image: Picture
    /// In the order of the prompt; one at least.
    package var subjects: [Subject]
    /// The results of other methods from the same noise.
    package var others: [Other]
    /// The boxes that the method kept subjects to, and those of a detector.
    var boxes: [PictureBox] = []

    package init(
      prompt: String, method: String, seed: UInt64, image: Picture, subjects: [Subject],
      others: [Other] = []
    ) {
      self.prompt = prompt
      self.method = method
      self.seed = seed
      self.image = image
      self.subjects = subjects
      self.others = others
    }
  }

  /// The cases that are shown, the most neglected first.
  package var cases: [Case]
  /// What is omitted, and how often each method neglected a subject, a sentence each.
  package var notes: [String]
  /// The levels that verdicts follow.
  package var criteria: NeglectCriteria
  /// What the maps' colours measure.
  package var quantity: String
  package var metadata: Scene.Metadata

  package init(
    cases: [Case], notes: [String], criteria: NeglectCriteria = NeglectCriteria(),
    quantity: String, metadata: Scene.Metadata
  ) {
    self.cases = cases
    self.notes = notes
    self.criteria = criteria
    self.quantity = quantity
    self.metadata = metadata
  }

  /// The boxes in all pictures.
  var boxes: [PictureBox] { cases.flatMap { $0.boxes + $0.others.flatMap(\.boxes) } }

  /// All maps, case by case.
  var maps: [AttentionMap] { cases.flatMap { $0.subjects.compactMap(\.map) } }

  /// The prompt of all cases; `nil` if they have several.
  var commonPrompt: String? {
    let prompts = Set(cases.map(\.prompt))
    return prompts.count == 1 ? prompts.first : nil
  }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard !cases.isEmpty else { throw FigureError.inconsistentSheet("no run to show") }
    for one in cases where one.subjects.isEmpty {
      throw FigureError.inconsistentSheet("\(one.method), seed \(one.seed): no subject")
    }
  }
}

extension NeglectSheet {
  /// A sheet of recorded runs; their prompts may differ.
  ///
  /// - Parameters:
  ///   - runs: in any order.
  ///   - cases: how many are shown, those with the lowest score first; runs in which no subject is
  ///     neglected or lost are none.
  ///   - criteria: when a subject counts as neglected.
  ///   - recipe: how maps are made; `nil` for the mean over heads, the layers that the loss reads,
  ///     and the steps that the verdict judges.
  ///   - weights: the head weights that the recipe names, by path.
  ///   - detections: whose boxes are drawn; `nil` for none.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` for a run without subjects, one that lacks what the recipe asks for,
  ///   and when no run measured or recorded anything; `TraceError` and ``FigureError`` when a file
  ///   is damaged, ``FigureError`` for no run and one given twice.
  package init(
    runs: [RecordedRun], cases: Int = Self.defaultCases,
    criteria: NeglectCriteria = NeglectCriteria(), recipe: Recipe? = nil,
    weights: [String: HeadWeights] = [:], detections: RunDetections? = nil, software: String
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    let byPath = Dictionary(runs.map { ($0.folder.path, $0) }, uniquingKeysWith: { $1 })
    if byPath.count < runs.count {
      throw FigureError.inconsistentSheet(
        "\(runs.count) runs in \(byPath.count) folders: one is given twice")
    }
    let reports = NeglectReport.ranked(
      try runs.map { try NeglectReport($0, criteria: criteria) })
    let found = reports.filter(\.hasNeglect)
    let shown = found.prefix(cases)
    var maps: [[SubjectMap]?] = []
    for report in shown {
      guard let run = byPath[report.path] else { continue }
      maps.append(try Self.maps(run, recipe, weights, window: report.window))
    }
    guard reports.contains(where: { !$0.weakest.isNaN }) else {
      throw AnalysisError.nothingSelected(
        run: first.folder.path, what: "excitation scores of subjects",
        recorded: "\(first.calls.count) calls without any")
    }
    guard !shown.isEmpty else {
      throw FigureError.inconsistentSheet(Self.absence(reports, criteria))
    }
    self.cases = try zip(shown, maps).map { report, maps in
      try Case(report, maps, among: reports, detections)
    }
    self.criteria = criteria
    notes =
      Self.notes(reports, cases: found, shown: shown.count)
      + ExcitationScores.notes(reports.compactMap(\.scoreRecipe))
      + Scene.warnings(of: runs, among: Set(shown.map(\.path)))
    quantity = Self.quantity(
      zip(shown, maps).compactMap { report, maps in
        maps?.first.map { (method: report.manifest.method.figureTitle, map: $0) }
      }, recipe, shown.map(\.window))
    let prompts = Set(runs.map(\.manifest.tokens.prompt))
    metadata = Scene.Metadata(
      of: first.manifest, software: software,
      manifest: [
        "layout": "neglect", "cases": .integer(shown.count),
        "recipe": .text(recipe?.description ?? ""), "runs": .integer(runs.count),
      ])
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
        of: subjects, by: recipe.resolved(for: run), weights: weights)
    }
    let judged = Recipe(layers: Recipe.lossGrid, steps: window).resolved(for: run)
    do {
      return try run.maps(of: subjects, by: judged)
    } catch AnalysisError.nothingSelected {
      return nil
    }
  }

  private static func quantity(
    _ maps: [(method: String, map: SubjectMap)], _ recipe: Recipe?, _ windows: [ClosedRange<Int>]
  ) -> String {
    if maps.isEmpty { return "no map recorded" }
    let steps = Set(windows).count == 1 ? windows.first : nil
    return MapQuantity.text(
      of: maps.map { method, map in
        let own =
          recipe == nil
          ? CompareSheet.quantity(map) + ", "
            + (steps.map { TableText.steps($0) } ?? "the judged steps")
          : MapQuantity(map).description
        return (method: method, quantity: own)
      })
  }

  /// That no run is a case of neglect.
  private static func absence(_ reports: [NeglectReport], _ criteria: NeglectCriteria) -> String {
    let least = reports.map(\.weakest).filter { !$0.isNaN }.min() ?? .nan
    return
      "no case of neglect in \(reports.count) \(reports.count == 1 ? "run" : "runs"): the lowest "
      + "excitation score is \(NumberText.tick(Double(least), step: 0.001)), and neglect is below "
      + NumberText.plain(Double(criteria.neglectedBelow))
  }

  /// What is omitted, and how often each method neglected a subject.
  private static func notes(
    _ reports: [NeglectReport], cases: [NeglectReport], shown: Int
  ) -> [String] {
    var notes: [String] = []
    if shown < cases.count {
      let next = NumberText.tick(Double(cases[shown].weakest), step: 0.001)
      notes.append(
        "\(shown) of \(cases.count) cases are shown, the most neglected first; in the "
          + "\(cases.count - shown) omitted the weakest subject’s score is \(next) or more.")
    }
    let unmeasured = reports.count(where: \.weakest.isNaN)
    if unmeasured > 0 {
      notes.append("\(unmeasured) of \(reports.count) runs were not measured in those steps.")
    }
    let counts = reports.map(\.manifest.method.name).uniqued.map { method in
      let runs = reports.filter { $0.manifest.method.name == method }
      let title = runs[0].manifest.method.figureTitle
      let neglected = runs.count { report in
        report.hasNeglect
      }
      return "\(title) \(neglected) of \(runs.count)"
    }
    notes.append("Runs with a neglected or lost subject: \(counts.joined(separator: ", ")).")
    let unfinished = reports.count { $0.manifest.status == .running }
    if unfinished > 0 {
      notes.append(
        "\(unfinished) of \(reports.count) runs are unfinished; their verdicts are of the steps so far."
      )
    }
    return notes
  }
}

extension NeglectSheet.Case {
  fileprivate init(
    _ report: NeglectReport, _ maps: [SubjectMap]?, among all: [NeglectReport],
    _ detections: RunDetections?
  ) throws {
    let run = try RecordedRun(report.path)
    self.init(
      prompt: report.manifest.tokens.prompt,
      method: report.manifest.method.figureTitle, seed: report.manifest.seed,
      image: try run.shownPicture(),
      subjects: report.subjects.enumerated().map { index, subject in
        NeglectSheet.Subject(
          name: subject.subject.name, tokens: CompareSheet.tokens(subject.subject),
          score: subject.score, verdict: subject.verdict, reason: subject.reason,
          map: maps.map { $0[index].map })
      },
      others: try Self.others(report, among: all, detections))
    boxes = PictureBox.boxes(of: run, detections)
  }

  /// The results of other methods from the same noise.
  private static func others(
    _ report: NeglectReport, among all: [NeglectReport], _ detections: RunDetections?
  ) throws -> [NeglectSheet.Other] {
    let manifest = report.manifest
    return try all.filter { other in
      other.manifest.method.name != manifest.method.name
        && other.manifest.seed == manifest.seed
        && !other.manifest.isOfOtherPipeline(than: manifest)
        && other.manifest.incomparability(with: manifest) == nil
    }.map { other in
      let subjects = other.subjects.map { subject in
        let score =
          subject.score.isNaN ? "" : " " + NumberText.tick(Double(subject.score), step: 0.001)
        return "\(subject.subject.name)\(score) (\(subject.verdict.words))"
      }
      let run = try RecordedRun(other.path)
      var shown = NeglectSheet.Other(
        method: other.manifest.method.figureTitle, image: try run.shownPicture(),
        words: subjects.joined(separator: ", "))
      shown.boxes = PictureBox.boxes(of: run, detections)
      return shown
    }
  }
}
