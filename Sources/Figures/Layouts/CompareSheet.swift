public import Pictures
import PromptText

/// A prompt without and with excitation, seed by seed: pictures, maps on one shared scale, curves.
///
/// Pure data: what to show, not how. ``scene(_:)`` lays it out.
public struct CompareSheet: Sendable {
  /// A word whose attention is shown.
  public struct Subject: Hashable, Sendable {
    /// The word, as in `cat`.
    public var name: String
    /// Which tokens it is, as in `token 2` or `tokens 5–6`.
    public var tokens: String

    /// Names a word and its tokens.
    public init(name: String, tokens: String) {
      self.name = name
      self.tokens = tokens
    }
  }

  /// One method's result for a seed.
  public struct Run: Sendable {
    /// The picture.
    public var image: Picture
    /// `[subject]` the aggregated maps.
    public var maps: [HeatMap]
    /// `[step]` the loss; empty if it was not recorded, NaN at a step without one.
    public var loss: [Float]
    /// `[subject][step]` the largest attention on the subject, as the loss sees it; empty if it
    /// was not recorded.
    public var attention: [[Float]]
    /// Tries of iterative refinement, by step.
    public var refinementTries: [Int: Int]
    /// The loss after each try, by step; may be empty.
    public var refinementLosses: [Int: [Float]]

    /// Describes a result; see the properties.
    public init(
      image: Picture, maps: [HeatMap], loss: [Float], attention: [[Float]],
      refinementTries: [Int: Int] = [:], refinementLosses: [Int: [Float]] = [:]
    ) {
      self.image = image
      self.maps = maps
      self.loss = loss
      self.attention = attention
      self.refinementTries = refinementTries
      self.refinementLosses = refinementLosses
    }
  }

  /// Both methods from the same starting noise.
  public struct Seed: Sendable {
    /// The seed of the noise.
    public var seed: UInt64
    /// Without excitation.
    public var plain: Run
    /// With excitation.
    public var excited: Run

    /// Pairs two results of a seed.
    public init(seed: UInt64, plain: Run, excited: Run) {
      self.seed = seed
      self.plain = plain
      self.excited = excited
    }
  }

  /// The prompt.
  public var prompt: String
  /// The words shown, in the order of the maps; one to four.
  public var subjects: [Subject]
  /// The seeds, in order; at least one.
  public var seeds: [Seed]
  /// Denoising steps.
  public var steps: Int
  /// Steps, from the first, in which the latent was altered.
  public var alteredSteps: Int
  /// Attention that every subject must reach, by step.
  public var thresholds: [Int: Double]
  /// What the maps' colours measure and in which unit, as in `mean attention probability, 16×16,
  /// 3 layers × 4 heads, 50 steps`.
  public var recipe: String
  /// What the largest attention in the curves is, as in `largest attention, smoothed`.
  public var curveLabel = "largest attention"
  /// How the curves' numbers came about, as a sentence under the sheet; may be empty.
  public var curveNote = ""
  /// What the run without excitation is called.
  public var plainName = "Stable Diffusion"
  /// What the run with excitation is called.
  public var excitedName = "Attend-and-Excite"
  /// Date, software and provenance for the file.
  public var metadata: Scene.Metadata

  /// Describes a sheet; see the properties.
  public init(
    prompt: String, subjects: [Subject], seeds: [Seed], steps: Int, alteredSteps: Int,
    thresholds: [Int: Double], recipe: String, metadata: Scene.Metadata
  ) {
    self.prompt = prompt
    self.subjects = subjects
    self.seeds = seeds
    self.steps = steps
    self.alteredSteps = alteredSteps
    self.thresholds = thresholds
    self.recipe = recipe
    self.metadata = metadata
  }

  /// All maps, seed by seed.
  var maps: [HeatMap] { seeds.flatMap { $0.plain.maps + $0.excited.maps } }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard (1...Color.lines.count).contains(subjects.count) else {
      throw FigureError.inconsistentSheet(
        "\(subjects.count) subjects; 1 to \(Color.lines.count) can be shown")
    }
    guard !seeds.isEmpty else { throw FigureError.inconsistentSheet("no seed to show") }
    for seed in seeds {
      for (name, run) in [(plainName, seed.plain), (excitedName, seed.excited)] {
        let place = "\(name), seed \(seed.seed)"
        guard run.maps.count == subjects.count else {
          throw FigureError.inconsistentSheet(
            "\(place): \(run.maps.count) maps for \(subjects.count) subjects")
        }
        guard run.attention.isEmpty || run.attention.count == subjects.count else {
          throw FigureError.inconsistentSheet(
            "\(place): \(run.attention.count) attention curves for \(subjects.count) subjects")
        }
      }
    }
  }
}
