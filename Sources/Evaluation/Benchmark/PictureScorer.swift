package import Pictures

/// What scores the pictures of a benchmark.
package struct PictureScorer: Sendable {
  /// The name of its scores.
  package let name: String
  /// The checkpoint, for people.
  package let model: String
  /// What it says of a picture of a prompt, by a method, from a seed.
  package let score:
    @Sendable (_ prompt: SuitePrompt, _ picture: Picture, _ method: String, _ seed: UInt64) throws
      ->
      PictureScore

  /// CLIP's cosines of the prompt and its halves.
  package static func clip(_ scorer: CLIPScorer) -> PictureScorer {
    PictureScorer(name: "clip", model: Self.title(scorer)) {
      try scorer.score($0, $1, method: $2, seed: $3)
    }
  }

  private static func title(_ scorer: CLIPScorer) -> String {
    scorer.model.title + (scorer.replacements == .words ? ", clean templates" : "")
  }

  /// Which subjects are there, where, and in which colours and relations.
  package static func owl(_ detector: OWLViTDetector) -> PictureScorer {
    PictureScorer(
      name: "owl", model: "\(detector.model.title), threshold \(detector.threshold)"
    ) {
      try detector.score($0, $1, method: $2, seed: $3)
    }
  }
}
