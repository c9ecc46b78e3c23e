extension DetectionReport {
  /// The report in a format, with the end of its last line.
  /// - Parameter width: the longest that a line of a table for reading should be.
  package func text(_ format: ReportFormat, width: Int = .max) -> String {
    switch format {
    case .text: plain(width: width)
    case .markdown:
      sections.map { "\($0.note)\n\n\($0.table.markdown)\n" }.joined() + Self.note + "\n"
    case .latex:
      PrintedTable.latexNeeds
        + PrintedTable.latexComment(Self.note)
        + sections.map { PrintedTable.latexComment($0.note) + $0.table.latex }
        .joined(separator: "\n")
    case .csv: table.text(.csv)
    case .json: TableText.json(document) + "\n"
    }
  }

  // MARK: - For people

  private func plain(width: Int) -> String {
    sections.map { "\($0.note)\n\n\($0.table.plain(width: width))\n\n" }.joined() + Self.note + "\n"
  }

  private var sections: [(note: String, table: PrintedTable)] {
    [
      (
        "Is a subject missing? The verdict by the maps against \(detector), by subject word.",
        answers
      ),
      (
        "How well the excitation score ranks what is missing: the area below its ROC curve. And of the words "
          + "that are found, the share of their attention inside the box against the box's share of the "
          + "picture, which chance gives.", measures
      ),
      ("How many words of each verdict are not found, of all methods.", verdicts),
    ]
  }

  private static let note =
    "Brackets: 95 % bootstrap intervals, clustered by prompt; none where a draw of the pictures leaves "
    + "nothing to count."

  private var answers: PrintedTable {
    PrintedTable(
      titles: [
        "method", "missing by the maps", "words", "missing in both", "by the maps alone",
        "by the detector alone", "in neither", "precision", "recall",
      ],
      rows: rows.flatMap { row in
        row.answers.map { rule, answer -> [PrintedTable.Cell] in
          let matrix = answer.matrix
          return [.words(row.title), .words(rule.words)]
            + [
              answer.precision.count, matrix.truePositives, matrix.falsePositives,
              matrix.falseNegatives, matrix.trueNegatives,
            ].map { .number("\($0)") } + [.interval(answer.precision), .interval(answer.recall)]
        }
      }, keys: 2, leftAligned: [0, 1])
  }

  private var measures: PrintedTable {
    PrintedTable(
      titles: [
        "method", "words", "ROC area", "found, with a map", "attention inside", "box's share",
        "difference",
      ],
      rows: rows.map { row in
        [
          .words(row.title), .number("\(row.rocArea.count)"), .interval(row.rocArea),
          .number("\(row.inside.count)"),
          .interval(row.inside), .interval(row.area), .interval(row.excess),
        ]
      }, keys: 1, leftAligned: [0])
  }

  private var verdicts: PrintedTable {
    PrintedTable(
      titles: ["verdict", "words", "not found", "share"],
      rows: (rows.last?.verdicts ?? []).map { verdict, notFound in
        let count = notFound.estimate * Double(notFound.count)
        return [
          .words(verdict.words), .number("\(notFound.count)"),
          .number("\(Int(count.rounded()))"), .interval(notFound),
        ]
      }, keys: 1, leftAligned: [0])
  }

  // MARK: - For programs

  /// A row for each method with all its numbers.
  private var table: MeasurementTable {
    func ends(_ name: String) -> [String] { [name, "\(name)_low", "\(name)_high"] }
    func values(_ interval: BootstrapInterval) -> [Double] {
      [interval.estimate, interval.lower, interval.upper]
    }
    let counts = ["both", "maps_alone", "detector_alone", "neither"]
    return MeasurementTable(
      recipe: recipe, keys: ["method", "detector"],
      values: ["words", "pictures", "prompts", "found", "judged"]
        + MissingRule.allCases.flatMap { rule in
          counts.map { "\(rule)_\($0)" } + ends("\(rule)_precision") + ends("\(rule)_recall")
        } + ends("roc_area") + ["boxes"] + ends("attention_inside") + ends("box_share")
        + ends("difference"),
      rows: rows.map { row in
        MeasurementTable.Row(
          keys: [.method(row.method ?? "all", title: row.title), .text(detector)],
          values: [row.words, row.pictures, row.prompts, row.found, row.rocArea.count]
            .map(Double.init)
            + row.answers.flatMap { _, answer in
              [
                answer.matrix.truePositives, answer.matrix.falsePositives,
                answer.matrix.falseNegatives, answer.matrix.trueNegatives,
              ].map(Double.init) + values(answer.precision) + values(answer.recall)
            } + values(row.rocArea) + [Double(row.inside.count)]
            + values(row.inside) + values(row.area) + values(row.excess))
      })
  }

  private struct Interval: Encodable {
    let estimate, low, high: Double?
    let n: Int
    let prompts: Int?

    init(_ interval: BootstrapInterval) {
      func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
      (estimate, low, high) = (
        finite(interval.estimate), finite(interval.lower), finite(interval.upper)
      )
      (n, prompts) = (interval.count, interval.clusters)
    }
  }

  private struct Document: Encodable {
    let detector, recipe: String
    let level = 0.95
    let clusteredBy = "prompt"
    let methods: [Method]
    let words: [Word]
    let notCounted: [Omission]
  }

  private struct Method: Encodable {
    /// `nil` for all.
    let method: String?
    let words, pictures, prompts, found: Int
    let missing: [String: Answer]
    let rocArea: Interval
    let roc: [Point]
    let verdicts: [String: Interval]
    let attentionInside, boxShare, difference: Interval
  }

  private struct Answer: Encodable {
    let both, mapsAlone, detectorAlone, neither: Int
    let precision, recall: Interval

    init(_ answer: Classification) {
      let matrix = answer.matrix
      (both, mapsAlone) = (matrix.truePositives, matrix.falsePositives)
      (detectorAlone, neither) = (matrix.falseNegatives, matrix.trueNegatives)
      (precision, recall) = (Interval(answer.precision), Interval(answer.recall))
    }
  }

  private struct Point: Encodable {
    /// Missing is what has an excitation score of at most this; `nil` for the point that no word reaches.
    let excitation: Double?
    let falsePositiveRate, truePositiveRate: Double
  }

  private struct Word: Encodable {
    let run, prompt, method: String
    let seed: UInt64
    let subject: String
    let verdict: NeglectVerdict
    let score: Double?
    let isFound: Bool
    let detectorScore: Double
    let box: [Double]
    let attentionInside, boxShare: Double?
  }

  private struct Omission: Encodable {
    let reason: DetectionOmission.Reason
    let runs: [String]
  }

  private var document: Document {
    Document(
      detector: detector, recipe: recipe,
      methods: rows.map { row in
        Method(
          method: row.method, words: row.words, pictures: row.pictures, prompts: row.prompts,
          found: row.found,
          missing: Dictionary(
            uniqueKeysWithValues: row.answers.map { ($0.rule.rawValue, Answer($0.classification)) }),
          rocArea: Interval(row.rocArea),
          roc: (row.curve?.points ?? []).map {
            Point(
              excitation: $0.threshold.isFinite ? -$0.threshold : nil,
              falsePositiveRate: $0.falsePositiveRate, truePositiveRate: $0.truePositiveRate)
          },
          verdicts: Dictionary(
            uniqueKeysWithValues: row.verdicts.map { ($0.verdict.rawValue, Interval($0.notFound)) }),
          attentionInside: Interval(row.inside), boxShare: Interval(row.area),
          difference: Interval(row.excess))
      },
      words: samples.map { sample in
        let inside = sample.attention?.inside ?? .nan
        return Word(
          run: sample.run, prompt: sample.prompt, method: sample.method, seed: sample.seed,
          subject: sample.subject, verdict: sample.verdict,
          score: sample.excitation.isFinite ? sample.excitation : nil, isFound: sample.isFound,
          detectorScore: sample.detection.score, box: sample.detection.box,
          attentionInside: inside.isFinite ? inside : nil, boxShare: sample.attention?.area)
      },
      notCounted: omissions.map { Omission(reason: $0.reason, runs: $0.runs) })
  }
}
