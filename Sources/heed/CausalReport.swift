import AttentionAnalysis
import AttentionTrace
import Diffusion
import Foundation
import Pictures

/// What an intervention changed in a run's picture and maps.
struct CausalReport: Encodable {
  private struct Image: Encodable {
    /// 0…255.
    let meanAbsoluteDifference: Double
    /// Decibels.
    let peakSignalToNoise: Double
    let structuralSimilarity: Double
  }

  private struct SubjectChange: Encodable {
    let subject: String
    /// As the loss reads it, mean over the steps.
    let largestBefore: Double?
    let largestAfter: Double?
    /// Soft Jaccard index of the maps before and after; `nil` where no maps are recorded.
    let shared: Double?
  }

  private struct PairChange: Encodable {
    let first: String
    let second: String
    let sharedBefore: Double
    let sharedAfter: Double
  }

  private let run: String
  private let changedRun: String
  private let intervention: String
  private let image: Image
  private let subjects: [SubjectChange]
  private let pairs: [PairChange]

  init(_ before: RecordedRun, _ after: RecordedRun, intervention: String) throws {
    run = before.folder.path
    changedRun = after.folder.path
    self.intervention = intervention
    image = try Self.image(before, after)
    let names = before.manifest.subjects.map(\.name)
    let maps = try [before, after].map(Self.maps)
    subjects = names.indices.map { index in
      SubjectChange(
        subject: names[index], largestBefore: Self.largest(before, index),
        largestAfter: Self.largest(after, index),
        shared: maps[0].isEmpty
          ? nil : MapOverlap(maps[0][index].map, maps[1][index].map).softJaccard)
    }
    pairs = maps[0].indices.flatMap { i in
      maps[0].indices.filter { $0 > i }.map { j in
        PairChange(
          first: names[i], second: names[j],
          sharedBefore: MapOverlap(maps[0][i].map, maps[0][j].map).softJaccard,
          sharedAfter: MapOverlap(maps[1][i].map, maps[1][j].map).softJaccard)
      }
    }
  }

  private static func image(_ before: RecordedRun, _ after: RecordedRun) throws -> Image {
    let pictures = try [before, after].map { try InputPicture($0.folder.image).photo }
    guard pictures[0].width == pictures[1].width, pictures[0].height == pictures[1].height else {
      throw Failure(
        .dataError,
        "\(before.folder.image) is \(pictures[0].width)x\(pictures[0].height) pixels, expected "
          + "\(pictures[1].width)x\(pictures[1].height)")
    }
    let difference = PictureDifference(
      pictures[0].pixels, pictures[1].pixels, width: pictures[0].width)
    return Image(
      meanAbsoluteDifference: difference.meanAbsolute,
      peakSignalToNoise: difference.peakSignalToNoise,
      structuralSimilarity: difference.structuralSimilarity)
  }

  /// Each subject's map, mean over heads, the layers that the loss reads, and steps; none where none
  /// is recorded.
  private static func maps(_ run: RecordedRun) throws -> [SubjectMap] {
    guard !run.sites.isEmpty else { return [] }
    return try run.maps(of: run.manifest.subjects, by: Recipe(layers: Recipe.lossGrid))
  }

  private static func largest(_ run: RecordedRun, _ index: Int) -> Double? {
    let values = run.noisePredictions.compactMap { $0.measurement.map { Double($0.maxima[index]) } }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  func text(json: Bool) -> String {
    if json { return TableText.json(self) }
    func number(_ value: Double?) -> String { TableText.number(value.map { Float($0) }) }
    let tables = [
      [
        ["mean absolute difference", "PSNR", "SSIM"],
        [
          number(image.meanAbsoluteDifference), number(image.peakSignalToNoise),
          number(image.structuralSimilarity),
        ],
      ],
      [["subject", "largest before", "after", "maps share"]]
        + subjects.map {
          [$0.subject, number($0.largestBefore), number($0.largestAfter), number($0.shared)]
        },
      [["subjects", "share before", "after"]]
        + pairs.map {
          ["\($0.first), \($0.second)", number($0.sharedBefore), number($0.sharedAfter)]
        },
    ]
    let texts = tables.filter { $0.count > 1 }.enumerated().map { index, rows in
      AlignedColumns(rows, leftAligned: index == 0 ? [] : [0]).text
    }
    return (["\(intervention): \(run) → \(changedRun)"] + texts).joined(separator: "\n\n")
  }
}
