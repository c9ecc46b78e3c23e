public import PromptText

/// `run.json`: all that made a run, and all that is needed to read it without a model.
public struct RunManifest: Hashable, Sendable, Codable {
  /// Whether the run reached its end.
  public enum Status: String, Hashable, Sendable, Codable {
    /// Cut off, or still being written.
    case running
    /// Every step is there.
    case complete
  }

  /// A method and every knob of it, in words and numbers.
  public struct Method: Hashable, Sendable, Codable {
    /// As on the command line: `stable-diffusion`, `attend-and-excite`.
    public var name: String
    /// Every knob by its option's name, as a JSON value's text.
    public var settings: [String: String]
    /// Iterations in which the latent is altered; 0 for none.
    public var alteredSteps: Int
    /// Attention that each subject must reach, by step; empty for none.
    public var thresholds: [Int: Double]
    /// The grid whose maps the objective reads.
    public var grid: Grid
    /// `false` where the method changes attention so that the rows of its maps need not sum to 1;
    /// otherwise `nil`.
    public var rowsSumToOne: Bool?

    /// The name without what sets a run apart from others by the method: that of
    /// `attend-and-excite+scale-factor-5` is `attend-and-excite`.
    public var family: String { String(name.prefix { $0 != "+" }) }

    /// Describes a method; see the properties.
    public init(
      name: String, settings: [String: String], alteredSteps: Int, thresholds: [Int: Double],
      grid: Grid, rowsSumToOne: Bool? = nil
    ) {
      self.name = name
      self.settings = settings
      self.alteredSteps = alteredSteps
      self.thresholds = thresholds
      self.grid = grid
      self.rowsSumToOne = rowsSumToOne
    }
  }

  /// The picture file that a run worked from.
  public struct Picture: Hashable, Sendable, Codable {
    /// SHA-256 of the file.
    public var sha256: String
    /// Its height in pixels.
    public var height: Int
    /// Its width in pixels.
    public var width: Int
    /// How it was brought to the run's size: `squash` or `crop`.
    public var fit: String
    /// How far it was noised before it was denoised, in 0…1; `nil` for an explanation.
    public var strength: Double?

    /// Describes a picture; see the properties.
    public init(sha256: String, height: Int, width: Int, fit: String, strength: Double?) {
      self.sha256 = sha256
      self.height = height
      self.width = width
      self.fit = fit
      self.strength = strength
    }
  }

  /// The checkpoint, named so that another can be told from it.
  public struct Model: Hashable, Sendable, Codable {
    /// The folder's name.
    public var name: String
    /// SHA-256 of each weight and configuration file, by its path inside the folder.
    public var files: [String: String]

    /// Describes a checkpoint; see the properties.
    public init(name: String, files: [String: String]) {
      self.name = name
      self.files = files
    }
  }

  /// The layout of a run folder; readers refuse any other.
  public static let currentFormat = 1

  /// The layout this run was written in.
  public var format = RunManifest.currentFormat
  /// Whether the run reached its end.
  public var status: Status
  /// The prompt as its tokens.
  public var tokens: TokenTable
  /// What the prompt must show.
  public var subjects: [Subject]
  /// Seed of the noise.
  public var seed: UInt64
  /// Where the noise comes from, as on the command line; `torch` in runs that do not say.
  public var rng: String?
  /// Height of the image in pixels.
  public var height: Int
  /// Width of the image in pixels.
  public var width: Int
  /// Denoising steps asked for.
  public var steps: Int
  /// Timesteps the scheduler made of them, one for each iteration.
  public var timesteps: [Double]
  /// Weight of classifier-free guidance.
  public var guidanceScale: Double
  /// The negative prompt; empty for none.
  public var negativePrompt: String
  /// The scheduler's name and settings.
  public var scheduler: [String: String]
  /// The picture it worked from; `nil` for noise alone.
  public var picture: Picture?
  /// The method and its knobs.
  public var method: Method
  /// The checkpoint.
  public var model: Model
  /// What was recorded; `nil` for nothing.
  public var plan: RecordingPlan?
  /// Heed's version.
  public var version: String
  /// The command as it was given, without the program's own path.
  public var commandLine: [String]
  /// When the run began, ISO 8601 in UTC.
  public var date: String
  /// Seconds the denoising took; `nil` until the run is complete.
  public var seconds: Double?
  /// How often the UNet was run for it; `nil` until the run is complete, and in runs that do not say.
  public var passes: UNetPasses?

  /// What a knob was turned to, by its option's name, a whole number without its point and an empty list
  /// as `none`; `nil` where the run has no such knob.
  public func value(ofKnob knob: String) -> String? {
    Self.value(ofKnob: knob, method.settings, guidanceScale: guidanceScale)
  }

  /// The same of a run that is not made yet.
  package static func value(
    ofKnob knob: String, _ settings: [String: String], guidanceScale: Double
  ) -> String? {
    let value = knob == "guidance-scale" ? String(guidanceScale) : settings[knob]
    guard let value, !value.isEmpty else { return value.map { _ in "none" } }
    return value.hasSuffix(".0") && Double(value) != nil ? String(value.dropLast(2)) : value
  }

  /// Describes a run; see the properties.
  public init(
    status: Status, tokens: TokenTable, subjects: [Subject], seed: UInt64,
    rng: String = "torch", height: Int, width: Int, steps: Int, timesteps: [Double],
    guidanceScale: Double, negativePrompt: String,
    scheduler: [String: String], picture: Picture? = nil, method: Method, model: Model,
    plan: RecordingPlan?,
    version: String, commandLine: [String], date: String, seconds: Double?
  ) {
    self.status = status
    self.tokens = tokens
    self.subjects = subjects
    self.seed = seed
    self.rng = rng
    self.height = height
    self.width = width
    self.steps = steps
    self.timesteps = timesteps
    self.guidanceScale = guidanceScale
    self.negativePrompt = negativePrompt
    self.scheduler = scheduler
    self.picture = picture
    self.method = method
    self.model = model
    self.plan = plan
    self.version = version
    self.commandLine = commandLine
    self.date = date
    self.seconds = seconds
  }
}
