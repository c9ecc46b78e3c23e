/// A subject of a picture, as a detector sees it.
public struct SubjectDetection: Hashable, Sendable, Codable {
  /// The subject's word.
  public let subject: String
  /// The detector's score of the best box, 0…1.
  public let score: Double
  /// Left, top, right and bottom of the best box, as shares of the picture's sides; what stands over the
  /// edge is below 0 or above 1.
  public let box: [Double]
  /// Whether the score reaches the detector's threshold; `nil` where that is not told.
  public let isFound: Bool?
  /// The colour that the detector sees in the subject, or several that score the same; `nil` where it was
  /// asked about none.
  public let colors: [String]?

  /// The best box of a subject.
  public init(
    subject: String, score: Double, box: [Double], isFound: Bool? = nil, colors: [String]? = nil
  ) {
    (self.subject, self.score, self.box) = (subject, score, box)
    (self.isFound, self.colors) = (isFound, colors)
  }

  /// Whether the box has four edges, and all numbers are numbers.
  package var isSound: Bool {
    score.isFinite && box.count == 4 && box.allSatisfy(\.isFinite)
  }
}
