public import AttentionAnalysis

/// What a scorer says of one picture of a benchmark: a line of a file in `scores`.
public struct PictureScore: Hashable, Sendable, Codable {
  /// What scored it: `clip`, `owl`, `blip`, `blip-vqa`, or the name of what was imported.
  public let scorer: String
  /// The checkpoint that it was scored with, for people.
  public let model: String
  /// The prompt's `id` in the suite.
  public let id: String
  /// The name of the method, and what sets its runs apart: the folder that they stand in.
  public let method: String
  /// The seed of the run; of a photo, a number that is made of its file's bytes.
  public let seed: UInt64
  /// Numbers by name; see each scorer.
  public let values: [String: Double]
  /// What a detector found of each subject; `nil` for other scorers.
  public let detections: [SubjectDetection]?
  /// What a captioner wrote; `nil` for other scorers.
  public let caption: String?
  /// The file of a photo, below the folder of photos; `nil` for the picture of a run.
  public let photo: String?

  /// What a scorer says of one picture.
  public init(
    scorer: String, model: String, id: String, method: String, seed: UInt64,
    values: [String: Double], detections: [SubjectDetection]? = nil, caption: String? = nil,
    photo: String? = nil
  ) {
    (self.scorer, self.model, self.id, self.method, self.seed) = (scorer, model, id, method, seed)
    (self.values, self.detections) = (values, detections)
    (self.caption, self.photo) = (caption, photo)
  }

  /// The same, with the words for the checkpoint and how it was used, and the file of a photo.
  func by(_ model: String, photo: String?) -> PictureScore {
    PictureScore(
      scorer: scorer, model: model, id: id, method: method, seed: seed, values: values,
      detections: detections, caption: caption, photo: photo)
  }

  /// Whether all numbers are numbers, and boxes lie the right way round.
  var isSound: Bool {
    values.values.allSatisfy(\.isFinite)
      && (detections ?? []).allSatisfy(\.isSound)
  }
}
