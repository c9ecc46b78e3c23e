/// A request for a run as `run.json` holds it, from which the run can be made again.
///
/// It is the encoded form of Diffusion's `RunRequest`. What is `nil` there is filled in here: the
/// record of a run leaves nothing open that the prompt and the checkpoint decide.
public struct RunRequestRecord: Hashable, Sendable, Codable {
  /// A method by its name and the texts of its knobs.
  public struct Method: Hashable, Sendable, Codable {
    /// The name on the command line.
    public var name: String
    /// The texts of its knobs, by name.
    public var knobs: [String: String]

    /// A method by name.
    public init(name: String, knobs: [String: String]) {
      self.name = name
      self.knobs = knobs
    }
  }

  /// A start picture, by its file's hash.
  public struct Picture: Hashable, Sendable, Codable {
    /// SHA-256 of the file, 64 hexadecimal digits.
    public var sha256: String
    /// How it is fitted to the run's size: `squash` or `crop`.
    public var fit: String
    /// The fraction of the steps that are run, in 0…1.
    public var strength: Double

    /// A picture by its hash.
    public init(sha256: String, fit: String, strength: Double) {
      self.sha256 = sha256
      self.fit = fit
      self.strength = strength
    }
  }

  /// The text prompt.
  public var prompt: String
  /// The negative prompt; empty for none.
  public var negativePrompt: String
  /// Seed of the noise.
  public var seed: UInt64
  /// The generator that the noise is drawn from, as on the command line.
  public var rng: String
  /// The picture's size, width first, as in `768x512`; `nil` for the checkpoint's.
  public var size: String?
  /// Denoising steps.
  public var steps: Int
  /// Classifier-free guidance scale.
  public var guidanceScale: Double
  /// How far the guided prediction's deviation is drawn to that of the prompt's, 0…1; `nil` for 0.
  public var guidanceRescale: Double?
  /// The scheduler's name; `nil` for the checkpoint's.
  public var scheduler: String?
  /// How noise levels are spaced, as on the command line; `nil` for the checkpoint's way.
  public var sigmas: String?
  /// How timesteps are spread, as on the command line; `nil` for the checkpoint's way.
  public var timestepSpacing: String?
  /// The share of noise that each step adds, 0…1; `nil` for 0.
  public var eta: Double?
  /// The start picture; `nil` for noise alone.
  public var picture: Picture?
  /// The method.
  public var method: Method
  /// A suffix that distinguishes the run from others by the method, as in `scale-factor-5`.
  public var variation: String?
  /// What is removed from the prompt's attention; `nil` for no intervention.
  public var ablation: AblationRecord?
  /// Words that are measured; `nil` for those that are found in the prompt.
  public var subjects: [String]?
  /// Which pieces of a word with several pieces the loss reads.
  public var pieces: String
  /// The grid whose attention is measured, rows first, as in `16x16`; `nil` for the checkpoint's.
  public var attentionResolution: String?
  /// Whether the end token and the padding are left out of the renormalisation; `nil` for the
  /// checkpoint's rule.
  public var normalizeEot: Bool?
  /// The recording plan; `nil` if nothing is recorded.
  public var recording: RecordingPlan?
  /// The predicted pictures that are kept; `nil` for none.
  public var previews: PreviewRecord?
  /// What signs in prompts mean, as in `webui`; `nil` for plain text.
  public var syntax: String?
  /// Whether prompts take several windows of the text encoder; `nil` for no.
  public var longPrompts: Bool?
  /// How many of the text encoder's last layers are left out; `nil` for none.
  public var clipSkip: Int?
  /// What the second text encoder reads instead of the prompt; `nil` for the prompt.
  public var secondPrompt: String?
  /// What it reads instead of the negative prompt; `nil` for the negative prompt.
  public var secondNegativePrompt: String?
  /// The training picture's size that the UNet is told, width first; `nil` for the picture's.
  public var originalSize: String?
  /// The training picture's corner that the UNet is told, as in `0,128`; `nil` for none.
  public var crop: String?

  /// A request by all that it asks for.
  public init(
    prompt: String, negativePrompt: String = "", seed: UInt64, rng: String = "torch",
    size: String? = nil, steps: Int, guidanceScale: Double,
    guidanceRescale: Double? = nil, scheduler: String? = nil, sigmas: String? = nil,
    timestepSpacing: String? = nil, eta: Double? = nil,
    picture: Picture? = nil, method: Method, variation: String? = nil,
    ablation: AblationRecord? = nil, subjects: [String]? = nil, pieces: String,
    attentionResolution: String? = nil, normalizeEot: Bool? = nil, recording: RecordingPlan?,
    previews: PreviewRecord? = nil, syntax: String? = nil, longPrompts: Bool? = nil,
    clipSkip: Int? = nil,
    secondPrompt: String? = nil, secondNegativePrompt: String? = nil,
    originalSize: String? = nil, crop: String? = nil
  ) {
    self.prompt = prompt
    self.negativePrompt = negativePrompt
    self.seed = seed
    self.rng = rng
    self.size = size
    self.steps = steps
    self.guidanceScale = guidanceScale
    self.guidanceRescale = guidanceRescale
    self.scheduler = scheduler
    self.sigmas = sigmas
    self.timestepSpacing = timestepSpacing
    self.eta = eta
    self.picture = picture
    self.method = method
    self.variation = variation
    self.ablation = ablation
    self.subjects = subjects
    self.pieces = pieces
    self.attentionResolution = attentionResolution
    self.normalizeEot = normalizeEot
    self.recording = recording
    self.previews = previews
    self.syntax = syntax
    self.longPrompts = longPrompts
    self.clipSkip = clipSkip
    self.secondPrompt = secondPrompt
    self.secondNegativePrompt = secondNegativePrompt
    self.originalSize = originalSize
    self.crop = crop
  }
}
