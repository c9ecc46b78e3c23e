import AttentionAnalysis
import AttentionTrace
import Foundation
import Testing

/// Maps against a detector's boxes, as NumPy and scikit-learn compare them; see Fixtures/make_detection.py.
@Suite("Maps against a detector")
struct DetectionReportTests {
  private struct Map: Decodable {
    let rows, columns: Int
    let values: [Float]

    var map: AttentionMap { AttentionMap(grid: Grid(rows: rows, columns: columns), values: values) }
  }

  private struct Box: Decodable {
    let map: Map
    let box: [Double]
    let inside, area: Double
  }

  private struct Word: Decodable {
    let prompt, method: String
    let seed: UInt64
    let subject: String
    let verdict: NeglectVerdict
    let excitation: Double
    let isFound: Bool
    let box: [Double]
    let map: Map?
    let inside, area: Double

    var sample: DetectionSample {
      DetectionSample(
        run: "\(prompt)/\(method)/\(seed)", prompt: prompt, method: method, seed: seed,
        subject: subject, verdict: verdict, excitation: excitation,
        detection: SubjectDetection(
          subject: subject, score: isFound ? 0.9 : 0.1, box: box, isFound: isFound),
        isFound: isFound, attention: map.map { BoxAttention(of: $0.map, inside: box) })
    }
  }

  private struct Rule: Decodable {
    let counts: [Int]
    let precision, recall: AgreementGoldens.Interval
  }

  private struct Row: Decodable {
    let words, found, pictures, prompts: Int
    let rules: [String: Rule]
    let rocArea, inside, area, excess: AgreementGoldens.Interval
    let verdicts: [String: [Int]]
  }

  private struct Goldens: Decodable {
    let resamples: Int
    let boxes: [Box]
    let words: [Word]
    let rows: [Row]
  }

  private let goldens: Goldens

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/detection.json")
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    goldens = try decoder.decode(Goldens.self, from: Data(contentsOf: file))
  }

  private func report(_ words: [DetectionSample]? = nil) -> DetectionReport {
    DetectionReport(
      detector: "a detector", recipe: "a recipe", samples: words ?? goldens.words.map(\.sample),
      methods: [("plain", "Plain"), ("guided", "Guided_1"), ("absent", "Absent")], omissions: [],
      Bootstrap(resamples: goldens.resamples))
  }

  private func expectClose(
    _ actual: BootstrapInterval, _ expected: AgreementGoldens.Interval,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (one, other) in [
      (actual.estimate, expected.estimate), (actual.lower, expected.lower),
      (actual.upper, expected.upper),
    ] {
      #expect(
        one.isNaN ? other.isNaN : abs(one - other) < 1e-6, "\(one), expected \(other)",
        sourceLocation: sourceLocation)
    }
    #expect(actual.count == expected.count, sourceLocation: sourceLocation)
    #expect(actual.clusters == expected.clusters, sourceLocation: sourceLocation)
  }

  @Test(
    "The attention inside a box is NumPy's integral of the map, the box's share that of the picture"
  )
  func boxes() {
    #expect(goldens.boxes.count == 28)
    for golden in goldens.boxes {
      let own = BoxAttention(of: golden.map.map, inside: golden.box)
      #expect(abs(own.inside - golden.inside) < 1e-6, "\(golden.box)")
      #expect(abs(own.area - golden.area) < 1e-12, "\(golden.box)")
    }
  }

  @Test("Of an even map a box holds its share, and boxes that part a picture hold everything")
  func chance() {
    let even = AttentionMap(
      grid: Grid(rows: 5, columns: 9), values: [Float](repeating: 0.25, count: 45))
    let map = goldens.boxes[10].map.map
    for split in stride(from: 0.05, to: 1, by: 0.13) {
      let parts = [[0, 0, split, 1], [split, 0, 1, 0.4], [split, 0.4, 1, 1]]
      for box in parts {
        let own = BoxAttention(of: even, inside: box)
        #expect(abs(own.inside - own.area) < 1e-12)
      }
      let all = parts.map { BoxAttention(of: map, inside: $0) }
      #expect(abs(all.reduce(0) { $0 + $1.inside } - 1) < 1e-12)
      #expect(abs(all.reduce(0) { $0 + $1.area } - 1) < 1e-12)
    }
    let none = AttentionMap(grid: Grid(rows: 2, columns: 2), values: [0, 0, 0, 0])
    #expect(BoxAttention(of: none, inside: [0, 0, 1, 1]).inside.isNaN)
  }

  @Test(
    "Counts, precision, recall, area and shares are scikit-learn's and NumPy's, by method and of all"
  )
  func rows() throws {
    let report = report()
    #expect(report.rows.map(\.title) == ["Plain", "Guided_1", "all methods"])
    #expect(report.rows.map { $0.method ?? "all" } == ["plain", "guided", "all"])
    for (row, golden) in zip(report.rows, goldens.rows) {
      let counts: [Int] = [row.words, row.found, row.pictures, row.prompts]
      let expected: [Int] = [golden.words, golden.found, golden.pictures, golden.prompts]
      #expect(counts == expected)
      #expect(row.answers.map { $0.rule } == MissingRule.allCases)
      for (rule, answer) in row.answers {
        let expected = try #require(golden.rules[rule.rawValue])
        let matrix = answer.matrix
        #expect(
          [
            matrix.truePositives, matrix.falsePositives, matrix.falseNegatives,
            matrix.trueNegatives,
          ] == expected.counts)
        expectClose(answer.precision, expected.precision)
        expectClose(answer.recall, expected.recall)
      }
      expectClose(row.rocArea, golden.rocArea)
      expectClose(row.inside, golden.inside)
      expectClose(row.area, golden.area)
      expectClose(row.excess, golden.excess)
      #expect(row.verdicts.count == golden.verdicts.count)
      for (verdict, notFound) in row.verdicts {
        let counts = try #require(golden.verdicts[verdict.rawValue])
        #expect(notFound.count == counts[0])
        #expect(abs(notFound.estimate - Double(counts[1]) / Double(counts[0])) < 1e-12)
      }
    }
  }

  @Test("The order of words does not matter, one method has no row of all, and no word no row")
  func order() {
    let words = goldens.words.map(\.sample)
    let (one, other) = (report(words), report(words.reversed()))
    #expect(one.text(.csv) == other.text(.csv))
    #expect(
      report(words.filter { $0.method == "plain" }).rows.map { $0.method ?? "all" } == ["plain"])
    #expect(report([]).rows.isEmpty)
  }

  @Test("Every format has the same numbers")
  func formats() throws {
    let report = report()
    let area = goldens.rows[0].rocArea
    let short = String(format: "%.3f", area.estimate)
    let ends = String(format: "%.3f, %.3f", area.lower, area.upper)
    #expect(report.text(.text).contains("\(short) [\(ends)]"))
    #expect(report.text(.markdown).contains("| Plain | \(area.count) | \(short) [\(ends)] |"))
    let latex = report.text(.latex)
    #expect(latex.contains("Plain & $\(area.count)$ & $\(short)$ {\\scriptsize$[\(ends)]$} &"))
    #expect(latex.contains("Guided\\_1") && latex.hasPrefix("% needs \\usepackage{booktabs}\n"))
    // Nothing but comments and tables.
    var isInside = false
    for line in latex.split(separator: "\n") {
      if line.hasPrefix("\\begin{tabular}") { isInside = true }
      #expect(isInside || line.hasPrefix("% "), "\(line)")
      if line.hasPrefix("\\end{tabular}") { isInside = false }
    }
    let lines = report.text(.csv).split(separator: "\r\n").map { $0.split(separator: ",") }
    let column = try #require(lines[0].firstIndex(of: "roc_area"))
    #expect(abs((Double(lines[1][column]) ?? 0) - area.estimate) < 1e-12)
    let json = try JSONSerialization.jsonObject(with: Data(report.text(.json).utf8))
    let document = try #require(json as? [String: Any])
    let methods = try #require(document["methods"] as? [[String: Any]])
    let interval = try #require(methods[0]["rocArea"] as? [String: Any])
    #expect(abs((interval["estimate"] as? Double ?? 0) - area.estimate) < 1e-12)
    #expect((document["words"] as? [Any])?.count == goldens.words.count)
    // The curve's area by trapezoids is the area.
    let curve = try #require(methods[0]["roc"] as? [[String: Any]]).map {
      ($0["falsePositiveRate"] as? Double ?? .nan, $0["truePositiveRate"] as? Double ?? .nan)
    }
    let sum = zip(curve, curve.dropFirst()).reduce(0) {
      $0 + ($1.1.0 - $1.0.0) * ($1.1.1 + $1.0.1) / 2
    }
    #expect(abs(sum - area.estimate) < 1e-12)
  }
}
