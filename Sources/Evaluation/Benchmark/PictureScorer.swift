package import Pictures

/// What scores the pictures of a benchmark.
package struct PictureScorer: Sendable {
  /// The name of its scores.
  package let name: String
  /// The checkpoint, for people.
  package let model: String
  /// Pictures that are scored at a time: many side by side by a small model, one on all threads by a large one.
  package let atATime: Int
  /// What it says of a picture of a prompt, by a method, from a seed.
  package let score:
    @Sendable (_ prompt: SuitePrompt, _ picture: Picture, _ method: String, _ seed: UInt64) throws
      ->
      PictureScore

  private init(
    name: String, model: String, _ vision: VisionConfiguration,
    score:
      @escaping @Sendable (
        _ prompt: SuitePrompt, _ picture: Picture, _ method: String, _ seed: UInt64
      ) throws -> PictureScore
  ) {
    (self.name, self.model, self.score) = (name, model, score)
    atATime = vision.isLarge ? 1 : .max
  }

  /// CLIP's cosines of the prompt and its halves.
  package static func clip(_ scorer: CLIPScorer) -> PictureScorer {
    PictureScorer(
      name: "clip", model: Self.title(scorer), scorer.model.vision.configuration
    ) {
      try scorer.score($0, $1, method: $2, seed: $3)
    }
  }

  private static func title(_ scorer: CLIPScorer) -> String {
    scorer.model.title + (scorer.replacements == .words ? ", clean templates" : "")
  }

  /// Which subjects are there, where, and in which colours and relations.
  package static func owl(_ detector: OWLViTDetector) -> PictureScorer {
    PictureScorer(
      name: "owl", model: "\(detector.model.title), threshold \(detector.threshold)",
      detector.model.vision.configuration
    ) {
      try detector.score($0, $1, method: $2, seed: $3)
    }
  }

  /// A caption, and by CLIP how like the prompt it is.
  package static func blip(
    _ captioner: BLIPCaptioner, _ settings: CaptionSettings = CaptionSettings(),
    _ clip: CLIPScorer
  ) -> PictureScorer {
    let model = "\(captioner.title); \(title(clip))"
    return PictureScorer(
      name: "blip", model: model, captioner.parts.vision.configuration
    ) { prompt, picture, method, seed in
      let caption = try captioner.caption(of: picture, settings)
      return PictureScore(
        scorer: "blip", model: model, id: prompt.id, method: method, seed: seed,
        values: [
          "text-text": try clip.similarity(ofCaption: caption, toPrompt: prompt.prompt)
        ], caption: caption)
    }
  }

  /// How sure it is that each phrase of the prompt is there: the product.
  package static func questions(_ answerer: BLIPQuestionAnswerer) -> PictureScorer {
    PictureScorer(
      name: "blip-vqa", model: answerer.title, answerer.parts.vision.configuration
    ) { prompt, picture, method, seed in
      let asked = try AskedPhrases(of: prompt)
      let answers = try answerer.answers(to: asked.phrases, of: picture)
      // Of a prompt without phrases there is nothing to ask.
      let values =
        answers.isEmpty
        ? [:]
        : [
          "score": answers.reduce(1, *), "phrases": Double(answers.count),
          "own-phrases": asked.source == .heed ? 1 : 0,
        ]
      return PictureScore(
        scorer: "blip-vqa", model: answerer.title, id: prompt.id, method: method, seed: seed,
        values: values)
    }
  }
}
