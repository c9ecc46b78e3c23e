public import PromptText

/// `run.json`: all that made a run, and all that is needed to read it without a model.
///
/// Format 2. A run of format 1 is read, measured and drawn; it is neither resumed nor repeated.
public struct RunManifest: Hashable, Sendable {
  /// Whether the run reached its end.
  public enum Status: String, Hashable, Sendable, Codable, CaseIterable {
    /// Interrupted, or still being written.
    case running
    /// Every step is there.
    case complete
  }

  /// A method as figures and measurements need it; its knobs are in the request.
  public struct Method: Hashable, Sendable {
    /// The name on the command line, with what sets a run apart, as in `attend-and-excite+drop-frog`.
    public var name: String
    /// The name in figures and reports; `nil` in runs of format 1.
    public var title: String?
    /// Iterations in which the latent is altered; 0 for none.
    public var alteredSteps: Int
    /// The attention to reach, by step: for Attend-and-Excite that of each subject.
    public var thresholds: [Int: Double]
    /// The grid whose maps the objective reads.
    public var grid: Grid
    /// `false` where the method changes attention so that the rows of its maps need not sum to 1;
    /// otherwise `nil`.
    public var rowsSumToOne: Bool?

    /// The name without what sets a run apart from others by the method: that of
    /// `attend-and-excite+scale-factor-5` is `attend-and-excite`.
    public var family: String { String(name.prefix { $0 != "+" }) }

    /// A method by what is recorded of it.
    public init(
      name: String, title: String? = nil, alteredSteps: Int, thresholds: [Int: Double], grid: Grid,
      rowsSumToOne: Bool? = nil
    ) {
      self.name = name
      self.title = title
      self.alteredSteps = alteredSteps
      self.thresholds = thresholds
      self.grid = grid
      self.rowsSumToOne = rowsSumToOne
    }
  }

  /// The picture file that a run started from.
  public struct Picture: Hashable, Sendable, Codable {
    /// SHA-256 of the file.
    public var sha256: String
    /// Its height in pixels.
    public var height: Int
    /// Its width in pixels.
    public var width: Int
    /// How it was fitted to the run's size: `squash` or `crop`.
    public var fit: String
    /// How much noise was added to it, in 0…1; `nil` for an explanation.
    public var strength: Double?

    /// A picture by its file's hash and size.
    public init(sha256: String, height: Int, width: Int, fit: String, strength: Double?) {
      self.sha256 = sha256
      self.height = height
      self.width = width
      self.fit = fit
      self.strength = strength
    }
  }

  /// What a run was imported from, so that another import is known as another run.
  public struct Imported: Hashable, Sendable, Codable {
    /// SHA-256 of the maps: of each layer its name and extents, then its numbers in float32, in the order of
    /// the run.
    public var maps: String
    /// SHA-256 of the picture's file; `nil` for none.
    public var picture: String?

    /// An import by the hashes of what was read.
    public init(maps: String, picture: String?) {
      self.maps = maps
      self.picture = picture
    }
  }

  /// The checkpoint, identified by its name and hashes.
  public struct Model: Hashable, Sendable, Codable {
    /// The folder's name.
    public var name: String
    /// SHA-256 of each weight and configuration file, by its path inside the folder; empty where the
    /// repository and its revision stand for them.
    public var files: [String: String]
    /// The repository that the checkpoint comes from, as in `black-forest-labs/FLUX.1-dev`.
    public var repository: String?
    /// The repository's revision.
    public var revision: String?
    /// The class of the pipeline, as in `FluxPipeline`.
    public var pipeline: String?
    /// The class of the network that removes the noise, as in `FluxTransformer2DModel`.
    public var denoiser: String?

    /// A checkpoint by its name and hashes, or by its repository.
    public init(
      name: String, files: [String: String], repository: String? = nil, revision: String? = nil,
      pipeline: String? = nil, denoiser: String? = nil
    ) {
      self.name = name
      self.files = files
      self.repository = repository
      self.revision = revision
      self.pipeline = pipeline
      self.denoiser = denoiser
    }
  }

  /// How the prompt guides the prediction.
  public struct Guidance: Hashable, Sendable, Codable {
    /// The kinds of guidance.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
      /// Classifier-free guidance: away from the prediction for the negative prompt.
      case classifierFree = "cfg"
      /// The scale is an input of the model, which makes one prediction.
      case distilled
      /// The prediction for the prompt alone.
      case none
    }

    /// The kind.
    public var kind: Kind
    /// The scale of that kind; `nil` where there is none, or the request has it.
    public var scale: Double?

    /// Guidance of a kind.
    public init(kind: Kind, scale: Double? = nil) {
      self.kind = kind
      self.scale = scale
    }
  }

  /// The layout that runs are written in.
  public static let currentFormat = 2

  /// The layout that this run was written in, 1 or 2.
  public var format = RunManifest.currentFormat
  /// Whether the run reached its end.
  public var status: Status
  /// The request, with every default filled in.
  public var request: RunRequestRecord
  /// Every text that the model read; the prompt is the first.
  public var texts: [EncodedText]
  /// What is measured of the prompt, by tokens.
  public var subjects: [Subject]
  /// Height of the image in pixels.
  public var height: Int
  /// Width of the image in pixels.
  public var width: Int
  /// Pictures of a video; `nil` for one picture.
  public var frames: Int?
  /// Timesteps the scheduler made of the steps asked for, one for each iteration: diffusion times from 0
  /// to 1000.
  public var timesteps: [Double]
  /// The noise level of each iteration; `nil` where it is not known.
  public var sigmas: [Double]?
  /// The number that the denoiser was given for the time, one for each iteration; `nil` where it is the
  /// timestep.
  public var denoiserTimes: [Double]?
  /// How the prompt guides the prediction; `nil` for classifier-free guidance by the request's scale.
  public var guidance: Guidance?
  /// The scheduler's name and settings.
  public var scheduler: [String: String]
  /// The start picture; `nil` for noise alone.
  public var picture: Picture?
  /// What another program's maps and picture were; `nil` for a run that was recorded.
  public var imported: Imported?
  /// The method.
  public var method: Method
  /// The checkpoint.
  public var model: Model
  /// How often the UNet was run for it; `nil` until the run is complete, and in runs that do not say.
  public var passes: UNetPasses?
  /// What differs from one making of the same run to the next.
  public var provenance: RunProvenance

  /// A run by all that made it.
  public init(
    status: Status, request: RunRequestRecord, texts: [EncodedText], subjects: [Subject],
    height: Int, width: Int, frames: Int? = nil, timesteps: [Double], sigmas: [Double]? = nil,
    denoiserTimes: [Double]? = nil, guidance: Guidance? = nil, scheduler: [String: String],
    picture: Picture? = nil, imported: Imported? = nil, method: Method, model: Model,
    provenance: RunProvenance
  ) {
    self.status = status
    self.request = request
    self.texts = texts
    self.subjects = subjects
    self.height = height
    self.width = width
    self.frames = frames
    self.timesteps = timesteps
    self.sigmas = sigmas
    self.denoiserTimes = denoiserTimes
    self.guidance = guidance
    self.scheduler = scheduler
    self.picture = picture
    self.imported = imported
    self.method = method
    self.model = model
    self.provenance = provenance
  }
}

extension RunManifest {
  /// The prompt as its tokens.
  public var tokens: TokenTable { texts[0].table }

  /// The text whose tokens are the keys of a branch's maps: the prompt, or the negative prompt.
  ///
  /// It is `nil` for the unconditional branch of a run without guidance, and of a run of format 1 with
  /// a negative prompt, whose tokens that format does not have.
  public func tokens(of branch: Branch) -> TokenTable? {
    switch branch {
    case .conditional: tokens
    case .unconditional: texts.first { $0.role == .negative }?.table
    }
  }

  /// Seed of the noise.
  public var seed: UInt64 { request.seed }
  /// The generator that the noise is drawn from, as on the command line.
  public var rng: String { request.rng }
  /// Denoising steps asked for.
  public var steps: Int { request.steps }
  /// Classifier-free guidance scale.
  public var guidanceScale: Double { request.guidanceScale }
  /// The negative prompt; empty for none.
  public var negativePrompt: String { request.negativePrompt }
  /// The recording plan; `nil` if nothing was recorded.
  public var plan: RecordingPlan? { request.recording }
  /// Heed's version.
  public var version: String { provenance.version }
  /// When the run began, ISO 8601 in UTC.
  public var date: String { provenance.date }
  /// Seconds the denoising took; `nil` until the run is complete.
  public var seconds: Double? { provenance.seconds }

  /// Every knob of the method by its option's name, and how maps are read, as texts.
  public var settings: [String: String] {
    var settings = request.method.knobs
    settings["attention-resolution"] = request.attentionResolution
    settings["normalize-eot"] = request.normalizeEot.map { String($0) }
    settings["pieces"] = request.pieces
    settings["ablation"] = request.ablation?.text
    return settings
  }

  /// The value of a knob, by its option's name, without a decimal point for a whole number; `nil` if
  /// the run has no such knob.
  public func value(ofKnob knob: String) -> String? {
    let value = knob == "guidance-scale" ? String(guidanceScale) : settings[knob]
    return value.map(Self.short)
  }

  /// A knob's text in its short form, without a decimal point for a whole number.
  package static func short(_ text: String) -> String {
    text.isEmpty
      ? "none" : text.hasSuffix(".0") && Double(text) != nil ? String(text.dropLast(2)) : text
  }
}
