/// Which tokens of a subject with several tokens a loss reads.
///
/// Attend-and-Excite's authors pick a word's "dominant" token by hand, and their code takes every
/// listed token as a subject of its own, which then asks for a peak at each piece. Heed has one
/// subject for a word, and takes its **last** piece unless told otherwise: the text encoder is
/// causal, so the last piece is the only one whose embedding has seen the whole word (`porcupine`
/// is `por`, `cup`, `ine`), while the first is shared with every word that begins alike. For a
/// phrase, as in `red car`, the last piece belongs to the noun. It also keeps the loss that of the
/// paper: one map, one largest value. All rules agree on a word of one piece.
public enum PieceRule: String, Hashable, Sendable, Codable, CaseIterable {
  /// The first piece alone.
  case first
  /// The last piece alone.
  case last
  /// The mean of the pieces' maps, before smoothing and the largest value.
  case mean
  /// The largest value over all pieces' maps: it is enough that one piece is attended to.
  case max

  /// The rule unless another is asked for.
  public static let standard = PieceRule.last

  /// The tokens of `subject` whose maps the loss needs, ascending.
  public func tokens(of subject: Subject) -> [Int] {
    switch self {
    case .first: Array(subject.tokens.prefix(1))
    case .last: Array(subject.tokens.suffix(1))
    case .mean, .max: subject.tokens
    }
  }
}
