public import AttentionTrace
public import PromptText
public import TensorEngine

/// Everything that decides a picture, apart from the checkpoint.
public struct GenerationRequest: Sendable, Hashable {
  /// What the picture shall show.
  public var prompt: String
  /// What it shall not show; empty for nothing.
  public var negativePrompt = ""
  /// Seed of the noise.
  public var seed: UInt64
  /// Where the noise comes from.
  public var rng = RandomSourceKind.torch
  /// The picture's size; `nil` takes the one the checkpoint was trained at.
  public var size: ImageSize?
  /// Denoising steps; the scheduler may make one iteration more of them.
  public var steps = 50
  /// Weight of classifier-free guidance; 1 or less does without.
  public var guidanceScale = 7.5
  /// The scheduler's name; `nil` takes the checkpoint's own.
  public var scheduler: String?
  /// The picture to begin from instead of noise; an explanation needs one.
  public var picture: InputPicture?
  /// How far the picture is noised before it is denoised, in 0…1: the share of the steps that is made.
  public var strength = 0.8
  /// How it is made.
  public var method: Method
  /// What is measured, and made to appear by a method that does so.
  public var subjects: [Subject]
  /// How the pieces of one word serve its subject.
  public var pieces = PieceRule.standard
  /// The grid whose attention is measured; `nil` takes the checkpoint's, or 1/32 of the picture.
  public var grid: Grid?
  /// Whether the end token and the padding are left out of the renormalisation; `nil` takes the
  /// checkpoint's rule.
  public var stopsAtEnd: Bool?

  /// A request with the published defaults.
  public init(prompt: String, seed: UInt64, method: Method, subjects: [Subject]) {
    self.prompt = prompt
    self.seed = seed
    self.method = method
    self.subjects = subjects
  }

  /// The source of the run's noise: first the starting latent, then what the scheduler draws.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when it takes no such seed.
  package func randomSource() throws -> any RandomSource {
    try DiffusionError.require(
      rng.seeds.contains(seed), "the seed", String(seed),
      "\(rng.seeds.lowerBound)…\(rng.seeds.upperBound) for \(rng.rawValue)")
    return rng.make(seed: seed)
  }
}
