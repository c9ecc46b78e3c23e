internal import AttentionTrace

/// What the maps and a detector say of one subject word of one picture.
package struct DetectionSample: Hashable, Sendable {
  /// The run's folder.
  package let run: String
  /// What tells the prompt from others.
  package let prompt: String
  /// The method's name for programs.
  package let method: String
  /// The seed.
  package let seed: UInt64
  /// The subject, as the run has it.
  package let subject: String
  /// The neglect report's verdict.
  package let verdict: NeglectVerdict
  /// What the verdict follows: the mean excitation score over the window, 0…1; NaN where none was measured.
  package let excitation: Double
  /// The detector's best box, and whether it is found.
  package let detection: SubjectDetection
  /// Whether the detector finds it.
  package let isFound: Bool
  /// The word's mean map against the box; `nil` where the run has no map of it where the loss reads.
  package let attention: BoxAttention?

  /// What is said of a word.
  package init(
    run: String, prompt: String, method: String, seed: UInt64, subject: String,
    verdict: NeglectVerdict, excitation: Double, detection: SubjectDetection, isFound: Bool,
    attention: BoxAttention?
  ) {
    (self.run, self.prompt, self.method, self.seed) = (run, prompt, method, seed)
    (self.subject, self.verdict, self.excitation) = (subject, verdict, excitation)
    (self.detection, self.isFound, self.attention) = (detection, isFound, attention)
  }

  /// The question "is it missing?", answered by verdicts and by the detector; ranked by the
  /// excitation score, the lowest first.
  func classified(by rule: MissingRule) -> ClassifiedSample {
    ClassifiedSample(
      prompt: prompt, score: -excitation, isPredicted: rule.verdicts.contains(verdict),
      isTrue: !isFound)
  }

  /// A number of the picture that the word is of.
  func measured(_ value: Double) -> PictureSample {
    PictureSample(prompt: prompt, seed: seed, value: value)
  }
}
