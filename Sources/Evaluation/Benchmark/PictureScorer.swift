package import Pictures

/// What scores the pictures of a benchmark.
package struct PictureScorer: Sendable {
  /// The name of its scores.
  package let name: String
  /// The checkpoint, for people.
  package let model: String
  /// Calls that are made at a time: many side by side of a small model, one on all threads of a large one.
  package let atATime: Int
  /// Pictures of a call: several small ones by a large model, which reads its weights once for all of them.
  package let together: Int
  /// What it says of pictures, each by itself.
  package let scores: @Sendable (_ shown: [Shown]) throws -> [PictureScore]

  /// A picture of a prompt, by a method, from a seed.
  package struct Shown {
    let prompt: SuitePrompt
    let picture: Picture
    let method: String
    let seed: UInt64

    /// A picture and whose it is.
    package init(prompt: SuitePrompt, picture: Picture, method: String, seed: UInt64) {
      (self.prompt, self.picture, self.method, self.seed) = (prompt, picture, method, seed)
    }
  }

  /// Tokens of the pictures of a call, at most, where there are several: with more, a product is no faster.
  private static let tokens = 1024
  /// Pictures of a call, at most, so that no picture's scores depend on those beside it.
  ///
  /// A class token is a row, and products of more rows than a dozen are summed in another order.
  private static let mostTogether = 8

  private init(
    name: String, model: String, _ vision: VisionConfiguration, together: Int = 1,
    scores: @escaping @Sendable (_ shown: [Shown]) throws -> [PictureScore]
  ) {
    (self.name, self.model, self.scores) = (name, model, scores)
    (atATime, self.together) = vision.isLarge ? (1, together) : (.max, 1)
  }

  private init(
    name: String, model: String, _ vision: VisionConfiguration,
    score: @escaping @Sendable (_ shown: Shown) throws -> PictureScore
  ) {
    self.init(name: name, model: model, vision, scores: { try $0.map(score) })
  }

  /// CLIP's cosines of the prompt and its halves.
  package static func clip(_ scorer: CLIPScorer) -> PictureScorer {
    let vision = scorer.model.vision.configuration
    return PictureScorer(
      name: "clip", model: Self.title(scorer), vision,
      together: min(Self.mostTogether, max(1, Self.tokens / (1 + vision.grid * vision.grid))),
      scores: { try scorer.scores($0) })
  }

  /// What it says of one picture.
  package func score(
    _ prompt: SuitePrompt, _ picture: Picture, _ method: String, _ seed: UInt64
  ) throws -> PictureScore {
    try scores([Shown(prompt: prompt, picture: picture, method: method, seed: seed)])[0]
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
      try detector.score($0.prompt, $0.picture, method: $0.method, seed: $0.seed)
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
    ) { shown in
      let caption = try captioner.caption(of: shown.picture, settings)
      return PictureScore(
        scorer: "blip", model: model, id: shown.prompt.id, method: shown.method, seed: shown.seed,
        values: [
          "text-text": try clip.similarity(ofCaption: caption, toPrompt: shown.prompt.prompt)
        ], caption: caption)
    }
  }

  /// How sure it is that each phrase of the prompt is there: the product.
  package static func questions(_ answerer: BLIPQuestionAnswerer) -> PictureScorer {
    PictureScorer(
      name: "blip-vqa", model: answerer.title, answerer.parts.vision.configuration
    ) { shown in
      let asked = try AskedPhrases(of: shown.prompt)
      let answers = try answerer.answers(to: asked.phrases, of: shown.picture)
      // Of a prompt without phrases there is nothing to ask.
      let values =
        answers.isEmpty
        ? [:]
        : [
          "score": answers.reduce(1, *), "phrases": Double(answers.count),
          "own-phrases": asked.source == .heed ? 1 : 0,
        ]
      return PictureScore(
        scorer: "blip-vqa", model: answerer.title, id: shown.prompt.id, method: shown.method,
        seed: shown.seed, values: values)
    }
  }
}
