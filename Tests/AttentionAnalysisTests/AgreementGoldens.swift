import AttentionAnalysis
import Foundation

/// What NumPy, scikit-learn and statsmodels make of samples; see Fixtures/make_agreement.py.
struct AgreementGoldens: Decodable, Sendable {
  struct Interval: Decodable, Sendable {
    let estimate, lower, upper: Double
    let count, clusters, leftOut: Int
  }

  struct Mean: Decodable, Sendable {
    struct Sample: Decodable, Sendable {
      let sample: PictureSample

      init(from decoder: any Decoder) throws {
        var row = try decoder.unkeyedContainer()
        sample = PictureSample(
          prompt: try row.decode(String.self), seed: try row.decode(UInt64.self),
          value: try row.decode(Double.self))
      }
    }
    let samples: [Sample]
    let resamples: Int
    let level: Double
    let seed: UInt32
    let expected: Interval
  }

  struct Crossed: Decodable, Sendable {
    let samples: [[Double]]
    let resamples: Int
    let level: Double
    let seed: UInt32
    let expected: Interval
  }

  struct Classified: Decodable, Sendable {
    struct Sample: Decodable, Sendable {
      let sample: ClassifiedSample

      init(from decoder: any Decoder) throws {
        var row = try decoder.unkeyedContainer()
        sample = ClassifiedSample(
          prompt: try row.decode(String.self), score: try row.decode(Double.self),
          isPredicted: try row.decode(Bool.self), isTrue: try row.decode(Bool.self))
      }
    }
    let samples: [Sample]
    let resamples: Int
    let seed: UInt32
    /// Threshold, false positive rate, true positive rate.
    let curve: [[Double]]
    let area, precision, recall: Interval
  }

  struct Kappa: Decodable, Sendable {
    let counts: [[Int]]
    let kappa: Double
  }

  let means: [Mean]
  let crossed: [Crossed]
  let classified: [Classified]
  let kappa: [Kappa]

  static func read() throws -> AgreementGoldens {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/agreement.json")
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Self.self, from: Data(contentsOf: file))
  }
}
