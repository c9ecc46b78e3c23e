package import AttentionTrace
internal import PromptText

/// Whether the maps tell the truth: the neglect report's verdict on each subject word against what a detector
/// finds in the picture, and how much of a word's attention lies where the detector sees it.
package struct DetectionReport: Sendable {
  /// The words of one method, or of all.
  package struct Row: Sendable {
    /// The method's name for programs; `nil` for all methods.
    package let method: String?
    /// Its name for people.
    package let title: String
    /// How many words there are, of how many pictures and prompts.
    package let words, pictures, prompts: Int
    /// How many of the words the detector finds.
    package let found: Int
    /// The verdicts as answers to "is it missing?", which it is where the detector does not find it; words
    /// without a verdict are no answers.
    package let answers: [(rule: MissingRule, classification: Classification)]
    /// What the excitation score alone tells of it, the lower the more likely: the area below the curve over all
    /// thresholds, and the curve, `nil` where every word is found or none.
    package let rocArea: BootstrapInterval
    package let curve: ROCCurve?
    /// How often the detector does not find the words of each verdict that occurs.
    package let verdicts: [(verdict: NeglectVerdict, notFound: BootstrapInterval)]
    /// Over the words that are found and have a map: the share of the attention inside the box, the box's share
    /// of the picture, and how much the first is more than the second.
    package let inside, area, excess: BootstrapInterval
  }

  /// The detector and its threshold, for people.
  package let detector: String
  /// How the maps were made that are compared with boxes.
  package let recipe: String
  /// Every word that both say something of.
  package let samples: [DetectionSample]
  /// A row for each method, the one that others are compared with first, and one for all where there are
  /// several.
  package let rows: [Row]
  /// What is not counted.
  package let omissions: [DetectionOmission]

  /// Compares what the maps of runs say with what a detector says of their pictures.
  /// - Parameters:
  ///   - runs: each once.
  ///   - detections: what there is of each of them.
  ///   - recipe: how the maps are made that are compared with boxes.
  ///   - weights: the head weights that the recipe names, by path.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` for two runs of one prompt, method and
  ///   seed, or of one method by two checkpoints; `TraceError` when a store is damaged.
  package init(
    _ runs: [RecordedRun], _ detections: RunDetections,
    criteria: NeglectCriteria = NeglectCriteria(),
    recipe: Recipe = Recipe(layers: Recipe.lossGrid), weights: [String: HeadWeights] = [:],
    bootstrap: Bootstrap = Bootstrap(resamples: 2000)
  ) throws {
    try runs.requireApart(by: detections.prompt)
    var samples: [DetectionSample] = []
    var omitted: [DetectionOmission.Reason: [String]] = [:]
    for run in runs {
      func omit(_ reason: DetectionOmission.Reason) {
        if omitted[reason]?.last != run.folder.path {
          omitted[reason, default: []].append(run.folder.path)
        }
      }
      let seen: [SubjectDetection]
      switch detections.finding(of: run) {
      case .seen(let detections)?: seen = detections
      case .noPicture?: omit(.noPicture); continue
      case .noSubjects?: omit(.noSubjects); continue
      case .notScored?, nil: omit(.notScored); continue
      }
      guard !run.manifest.subjects.isEmpty else { omit(.noSubjects); continue }
      let report = try NeglectReport(run, criteria: criteria)
      let maps = try Self.maps(of: run, by: recipe, weights)
      if maps == nil { omit(.noMaps) }
      let words = run.manifest.subjects.map { run.manifest.word(of: $0)?.lowercased() }
      for (place, subject) in report.subjects.enumerated() {
        guard let word = words[place] else { omit(.noSubjects); continue }
        guard words.count(where: { $0 == word }) == 1 else { omit(.repeatedWords); continue }
        guard let detection = seen.first(where: { $0.subject.lowercased() == word }),
          let isFound = detection.isFound
        else { omit(.notAsked); continue }
        if subject.verdict == .unmeasured { omit(.noVerdict) }
        samples.append(
          DetectionSample(
            run: run.folder.path, prompt: detections.prompt(of: run),
            method: run.manifest.method.name, seed: run.manifest.seed,
            subject: subject.subject.name, verdict: subject.verdict,
            excitation: Double(subject.score), detection: detection, isFound: isFound,
            attention: maps.map { BoxAttention(of: $0[place].map, inside: detection.box) }))
      }
    }
    let methods = NeglectComparison.methods(of: runs.map(\.manifest)).map { name in
      (
        name: name,
        title: runs.first { $0.manifest.method.name == name }?.manifest.method.figureTitle ?? name
      )
    }
    self.init(
      detector: detections.detector, recipe: recipe.description, samples: samples,
      methods: methods,
      omissions: DetectionOmission.Reason.allCases.compactMap { reason in
        omitted[reason].map { DetectionOmission(reason: reason, runs: $0) }
      }, bootstrap)
  }

  /// The numbers of `samples`.
  /// - Parameter methods: name and title of each method, in the order of the rows.
  package init(
    detector: String, recipe: String, samples: [DetectionSample],
    methods: [(name: String, title: String)], omissions: [DetectionOmission],
    _ bootstrap: Bootstrap
  ) {
    (self.detector, self.recipe, self.samples) = (detector, recipe, samples)
    self.omissions = omissions
    var rows = methods.compactMap { method -> Row? in
      let own = samples.filter { $0.method == method.name }
      return own.isEmpty ? nil : Self.row(method.name, method.title, own, bootstrap)
    }
    if rows.count > 1 { rows.append(Self.row(nil, "all methods", samples, bootstrap)) }
    self.rows = rows
  }

  private static func row(
    _ method: String?, _ title: String, _ samples: [DetectionSample], _ bootstrap: Bootstrap
  ) -> Row {
    let judged = samples.filter { $0.verdict != .unmeasured }
    let answers = MissingRule.allCases.map { rule in
      (
        rule: rule,
        classification: Classification(
          of: judged.map { $0.classified(by: rule) }, bootstrap: bootstrap)
      )
    }
    let seen = samples.filter(\.isFound).compactMap { sample in
      sample.attention.map { (sample: sample, attention: $0) }
    }
    func interval(_ value: (BoxAttention) -> Double) -> BootstrapInterval {
      bootstrap.interval(
        of: seen.map { one in
          // A map without attention counts in neither mean.
          one.sample.measured(one.attention.inside.isNaN ? .nan : value(one.attention))
        })
    }
    return Row(
      method: method, title: title, words: samples.count,
      pictures: Set(samples.map(\.run)).count, prompts: Set(samples.map(\.prompt)).count,
      found: samples.count(where: \.isFound),
      answers: answers, rocArea: answers[0].classification.area,
      curve: answers[0].classification.curve,
      verdicts: NeglectVerdict.allCases.compactMap { verdict in
        let own = samples.filter { $0.verdict == verdict }
        return own.isEmpty
          ? nil
          : (verdict, bootstrap.interval(of: own.map { $0.measured($0.isFound ? 0 : 1) }))
      },
      inside: interval(\.inside), area: interval(\.area),
      excess: interval { $0.inside - $0.area })
  }

  /// The mean map of each subject; `nil` where the run has none.
  private static func maps(
    of run: RecordedRun, by recipe: Recipe, _ weights: [String: HeadWeights]
  ) throws -> [SubjectMap]? {
    do {
      return try run.maps(
        of: try run.subjects(run.manifest.subjects, by: recipe), by: recipe, weights: weights)
    } catch AnalysisError.nothingSelected {
      return nil
    }
  }
}
