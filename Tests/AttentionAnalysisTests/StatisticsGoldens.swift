import AttentionAnalysis
import AttentionTrace
import Foundation
import Testing

/// What NumPy, SciPy and scikit-learn make of maps; see Fixtures/make_statistics.py.
struct StatisticsGoldens: Decodable, Sendable {
  struct Map: Decodable, Sendable {
    let rows: Int
    let columns: Int
    let values: [Double]

    var map: AttentionMap {
      AttentionMap(grid: Grid(rows: rows, columns: columns), values: values.map { Float($0) })
    }
  }

  struct Statistics: Decodable, Sendable {
    struct Expected: Decodable, Sendable {
      let mass, largest, entropy, relativeEntropy, concentration, topShare, gini: Double
      let spread, relativeSpread: Double
      let peak: [Int]
      let center, centerShare, spectrum: [Double]
    }
    let name: String
    let map: Map
    let expected: Expected
  }

  struct Pair: Decodable, Sendable {
    let name: String
    let first, second: Map
    let expected: [String: Double]
  }

  struct Convergence: Decodable, Sendable {
    let maps: [Map]
    let changes, relative: [Double]
  }

  struct Interval: Decodable, Sendable {
    let estimate, lower, upper: Double
    let count, leftOut: Int
  }

  struct Bootstrap: Decodable, Sendable {
    let samples: [Double]
    let statistic: String
    let resamples: Int
    let level: Double
    let seed: UInt32
    let expected: Interval
  }

  struct Segmentation: Decodable, Sendable {
    struct Scores: Decodable, Sendable {
      let iou, ioa: [Double]
      let averagePrecision: Double
    }
    let map: Map
    let maskRows: Int
    let mask, mode, reducedMask: String
    let resized, reduced: Scores
  }

  struct Assignment: Decodable, Sendable {
    let costs: [[Double]]
    let smallest, largest: Double
    let columns: [Int]?
  }

  struct Matching: Decodable, Sendable {
    let entries: [[Double]]
    let assignment: [[Int]]
    let mean: Double
  }

  struct Relations: Decodable, Sendable {
    struct Row: Decodable, Sendable {
      let relation: String
      let intervals: [Interval]
    }
    let maps: [String: Map]
    let relations: [[String]]
    let share: Double
    let overlaps: [[Double]]
    let rows: [Row]
  }

  let statistics: [Statistics]
  let pairs: [Pair]
  let convergence: Convergence
  let bootstrap: [Bootstrap]
  let thresholds: [Double]
  let segmentation: [Segmentation]
  let assignments: [Assignment]
  let matching: Matching
  let relations: Relations

  static func read() throws -> StatisticsGoldens {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures")
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(
      Self.self, from: Data(contentsOf: fixtures.appendingPathComponent("statistics.json")))
  }
}

/// Expects a number to be what it should be, up to 1e-6 of it (or 1e-12 where that is less); NaN and
/// infinity to be just that.
func expectSame(
  _ actual: Double, _ expected: Double, _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let isSame =
    actual == expected || (actual.isNaN && expected.isNaN)
    || abs(actual - expected) <= max(1e-6 * abs(expected), 1e-12)
  #expect(
    isSame, "\(what()): got \(actual), expected \(expected)", sourceLocation: sourceLocation)
}

func expectSame(
  _ actual: BootstrapInterval?, _ expected: StatisticsGoldens.Interval,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let actual else {
    Issue.record("no interval of \(what())", sourceLocation: sourceLocation)
    return
  }
  expectSame(actual.estimate, expected.estimate, what(), sourceLocation: sourceLocation)
  expectSame(actual.lower, expected.lower, what(), sourceLocation: sourceLocation)
  expectSame(actual.upper, expected.upper, what(), sourceLocation: sourceLocation)
  #expect(
    actual.count == expected.count && actual.leftOut == expected.leftOut,
    sourceLocation: sourceLocation)
}

extension AttentionMap {
  /// A map of one row for each line, with numbers between spaces.
  init(_ rows: [Float]...) {
    self.init(
      grid: Grid(rows: rows.count, columns: rows.first?.count ?? 0), values: rows.flatMap { $0 })
  }
}
