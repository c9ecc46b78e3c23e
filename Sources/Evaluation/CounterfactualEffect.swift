internal import AttentionAnalysis
public import AttentionTrace
internal import Diffusion
internal import Pictures
internal import PromptText

/// What an ablation changed in a run's picture and maps.
public struct CounterfactualEffect: Encodable, Sendable {
  /// How far apart the two pictures are.
  public struct Picture: Encodable, Sendable {
    /// Mean of |a − b| over samples, 0…255.
    public let meanAbsoluteDifference: Double
    /// In decibels.
    public let peakSignalToNoise: Double
    /// Mean over windows of 7×7 pixels of luma, −1…1.
    public let structuralSimilarity: Double
  }

  /// How the attention of a subject changed.
  public struct SubjectChange: Encodable, Sendable {
    /// Its name.
    public let subject: String
    /// Its excitation score, mean over the steps, in the run as it was.
    public let scoreBefore: Double?
    /// The same in the run without what was taken out.
    public let scoreAfter: Double?
    /// Soft Jaccard index of the maps before and after, 0…1; `nil` where no maps are recorded.
    public let shared: Double?
  }

  /// How the overlap of two subjects' maps changed.
  public struct PairChange: Encodable, Sendable {
    /// One subject.
    public let first: String
    /// The other.
    public let second: String
    /// Soft Jaccard index of their maps in the run as it was, 0…1.
    public let sharedBefore: Double
    /// The same in the run without what was taken out.
    public let sharedAfter: Double
  }

  /// The folder of the run as it was.
  public let run: String
  /// The folder of the run without what was taken out.
  public let changedRun: String
  /// What was taken out, as in `drop frog`.
  public let intervention: String
  /// The two pictures.
  public let image: Picture
  /// The subjects, in their order.
  public let subjects: [SubjectChange]
  /// Every two subjects.
  public let pairs: [PairChange]

  /// Compares two runs of one request, the second with an ablation.
  /// - Throws: ``EvaluationError/pictureSizes(first:second:)``, `FileError`, `TraceError` or
  ///   `AnalysisError`.
  public init(_ before: RecordedRun, _ after: RecordedRun, ablation: String) throws {
    run = before.folder.path
    changedRun = after.folder.path
    intervention = ablation
    image = try Self.image(before, after)
    let names = before.manifest.subjects.map(\.name)
    let maps = try [before, after].map(Self.maps)
    subjects = names.indices.map { index in
      SubjectChange(
        subject: names[index], scoreBefore: Self.score(before, index),
        scoreAfter: Self.score(after, index),
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

  private static func image(_ before: RecordedRun, _ after: RecordedRun) throws -> Picture {
    let pictures = try [before, after].map {
      try PictureFile($0.folder.image, within: $0.folder.path, transparency: .dropped).picture
    }
    guard pictures[0].width == pictures[1].width, pictures[0].height == pictures[1].height else {
      throw EvaluationError.pictureSizes(
        first: "\(before.folder.image) is \(pictures[0].width)x\(pictures[0].height) pixels",
        second: "\(after.folder.image), \(pictures[1].width)x\(pictures[1].height)")
    }
    let difference = PictureDifference(
      pictures[0].pixels, pictures[1].pixels, width: pictures[0].width)
    return Picture(
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

  private static func score(_ run: RecordedRun, _ index: Int) -> Double? {
    let values = run.noisePredictions.compactMap { $0.measurement.map { Double($0.scores[index]) } }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
