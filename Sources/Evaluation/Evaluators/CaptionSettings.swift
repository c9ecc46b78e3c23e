/// How a caption is searched for.
///
/// The defaults are those of LAVIS's `blip_caption`, by which Attend-and-Excite's paper measures.
///
/// - Reference: LAVIS `models/blip_models/blip_caption.py`, `generate`.
package struct CaptionSettings: Hashable, Sendable {
  /// Which transformers' rules a search goes by.
  package enum Edition: String, Hashable, Sendable, CaseIterable {
    /// Those that LAVIS needs, up to 4.35: the prompt counts where a text's sum is taken over its length.
    case four = "transformers-4"
    /// Those since 4.36: only what was written counts.
    case five = "transformers-5"
  }

  /// What every caption begins with, which is no part of the caption.
  package var prompt: String
  /// Beginnings that are kept; with 1, the most probable token is taken each time.
  package var beams: Int
  /// The fewest tokens of a text, those of the prompt and the start included.
  package var minimum: Int
  /// The most tokens of a text, those of the prompt and the start included.
  package var maximum: Int
  /// What the score of a token that is there already is divided by, or multiplied if it is negative.
  package var repetitionPenalty: Float
  /// Whose rules a search goes by.
  package var edition: Edition

  /// The settings of a search; LAVIS's unless said otherwise.
  package init(
    prompt: String = "a picture of ", beams: Int = 3, minimum: Int = 10, maximum: Int = 30,
    repetitionPenalty: Float = 1, edition: Edition = .four
  ) {
    (self.prompt, self.beams, self.minimum) = (prompt, beams, minimum)
    (self.maximum, self.repetitionPenalty, self.edition) = (maximum, repetitionPenalty, edition)
  }

  /// Those under which the captioner that comes with Heed was measured: its captions are of 3 words and
  /// more, fewer than LAVIS's least.
  package static let menagerie = CaptionSettings(minimum: 5)

  /// Beginnings that can be kept at most.
  static let mostBeams = 64
}
