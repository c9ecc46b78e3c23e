public import AttentionTrace
public import PromptText
public import TensorEngine

/// Everything that decides a run, apart from the checkpoint.
///
/// A request is a value: it is written and read as JSON, and `run.json` holds it with nothing left
/// open, so that a run can be made again from its folder. What is `nil` is decided by the prompt and
/// the checkpoint when the run is planned; see ``StableDiffusion/plan(_:)``.
public struct RunRequest: Sendable {
  /// The text prompt.
  public var prompt: String
  /// The negative prompt; empty for none.
  public var negativePrompt = ""
  /// What SDXL's second text encoder reads instead of the prompt; `nil` for the prompt.
  public var secondPrompt: String?
  /// What it reads instead of the negative prompt; `nil` for the negative prompt.
  public var secondNegativePrompt: String?
  /// The size that SDXL's UNet takes the training picture to have had; `nil` for the picture's.
  public var originalSize: ImageSize?
  /// Where SDXL's UNet takes the training picture to have been cut out; `nil` for its corner.
  public var crop: CropCorner?
  /// How the prompt, the negative prompt and a method's other texts become tokens.
  public var reading = PromptReading()
  /// How many of the text encoder's last layers are left out for the prompt, as diffusers' `clip_skip`;
  /// `nil` for none.
  public var clipSkip: Int?
  /// Seed of the noise.
  public var seed: UInt64
  /// The generator that draws the initial noise, and what the scheduler draws.
  public var rng = RandomSourceKind.torch
  /// The picture's size; `nil` takes the one the checkpoint was trained at.
  public var size: ImageSize?
  /// Denoising steps; the scheduler may make one iteration more of them.
  public var steps = 50
  /// Weight of classifier-free guidance; 1 or less disables it.
  public var guidanceScale = 7.5
  /// The scheduler's name; `nil` takes the checkpoint's own.
  public var scheduler: String?
  /// How noise levels are spaced; `nil` takes the checkpoint's way.
  package var sigmas: SigmaSpacing?
  /// How timesteps are spread over the training times; `nil` takes the checkpoint's way.
  package var timestepSpacing: SchedulerConfiguration.Spacing?
  /// η of DDIM and TCD, the share of noise that each step adds, 0…1; `nil` for 0.
  public var eta: Double?
  /// How far the guided prediction's deviation is drawn to that of the prompt's, 0…1; `nil` for 0.
  public var guidanceRescale: Double?
  /// The start picture instead of noise; an explanation needs one.
  public var picture: StartPicture?
  /// How the picture is made.
  public var method: any Method
  /// What sets the run apart from others by the method, as in `scale-factor-5`; `nil` for nothing.
  public var variation: String?
  /// What is taken out of the attention of the prompt's branch; `nil` for nothing.
  public var ablation: AblationRecord?
  /// Words that are measured, and made to appear by a method that does so; `nil` for those that
  /// the prompt makes certain, or the nouns that the method reads.
  public var subjects: [String]?
  /// How the pieces of one word serve its subject.
  public var pieces = PieceRule.standard
  /// The grid whose attention is measured; `nil` takes the checkpoint's, or 1/32 of the picture.
  public var grid: Grid?
  /// Whether the end token and the padding are left out of the renormalisation; `nil` takes the
  /// checkpoint's rule.
  public var stopsAtEnd: Bool?
  /// What is recorded; `nil` for nothing.
  public var recording: RecordingPlan? = RecordingPlan(layers: [RecordingPlan.measuredGrid])

  /// The predicted pictures that are kept; `nil` for none.
  public var previews: StepPreviews?

  /// A request with the published defaults.
  public init(
    _ prompt: String, seed: UInt64, method: any Method = PlainDiffusion(), subjects: [String]? = nil
  ) {
    self.prompt = prompt
    self.seed = seed
    self.method = method
    self.subjects = subjects
  }

  /// The source of the run's noise: first the starting latent, then what the scheduler draws.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when it takes no such seed.
  package func randomSource() throws -> any RandomSource {
    try requireSeeds([seed])
    return rng.make(seed: seed)
  }

  /// Refuses a seed that the random source does not take.
  package func requireSeeds(_ seeds: [UInt64]) throws {
    guard let seed = seeds.first(where: { !rng.seeds.contains($0) }) else { return }
    throw DiffusionError.invalidRequest(
      what: "the seed", got: String(seed),
      expected: "\(rng.seeds.lowerBound)…\(rng.seeds.upperBound) for \(rng.rawValue)")
  }
}

// MARK: - As JSON

extension RunRequest: Codable, Equatable {
  /// The request as `run.json` holds it.
  public var record: RunRequestRecord {
    RunRequestRecord(
      prompt: prompt, negativePrompt: negativePrompt, seed: seed, rng: rng.rawValue,
      size: size?.description, steps: steps, guidanceScale: guidanceScale,
      guidanceRescale: guidanceRescale, scheduler: scheduler, sigmas: sigmas?.rawValue,
      timestepSpacing: timestepSpacing?.rawValue, eta: eta,
      picture: picture.map {
        .init(sha256: $0.sha256, fit: $0.fit.rawValue, strength: $0.strength)
      }, method: .init(name: method.name, knobs: method.knobTexts), variation: variation,
      ablation: ablation, subjects: subjects, pieces: pieces.rawValue,
      attentionResolution: grid?.description, normalizeEot: stopsAtEnd, recording: recording,
      previews: previews?.record, syntax: reading.syntax == .plain ? nil : reading.syntax.rawValue,
      longPrompts: reading.isLong ? true : nil, clipSkip: clipSkip == 0 ? nil : clipSkip,
      secondPrompt: secondPrompt, secondNegativePrompt: secondNegativePrompt,
      originalSize: originalSize?.description, crop: crop?.description)
  }

  /// The request that a record holds.
  /// - Throws: ``DiffusionError`` for a value that is none of the field's, a method that is not among
  ///   ``Methods/all``, and a knob that the method lacks.
  public init(_ record: RunRequestRecord) throws {
    func value<Value>(_ what: String, _ text: String, _ read: (String) -> Value?) throws -> Value {
      guard let value = read(text) else {
        throw DiffusionError.invalidRequest(what: what, got: "'\(text)'", expected: "a known value")
      }
      return value
    }
    var method = try value("the method", record.method.name, Methods.named)
    try method.set(record.method.knobs)
    self.init(record.prompt, seed: record.seed, method: method, subjects: record.subjects)
    negativePrompt = record.negativePrompt
    rng = try value("the random source", record.rng, RandomSourceKind.init)
    size = try record.size.map { try value("the size", $0, ImageSize.init) }
    (steps, guidanceScale, scheduler) = (record.steps, record.guidanceScale, record.scheduler)
    sigmas = try record.sigmas.map {
      try value("the spacing of noise levels", $0, SigmaSpacing.init)
    }
    timestepSpacing = try record.timestepSpacing.map {
      try value("the spacing of timesteps", $0, SchedulerConfiguration.Spacing.init)
    }
    (eta, guidanceRescale) = (record.eta, record.guidanceRescale)
    picture = try record.picture.map {
      StartPicture(
        sha256: $0.sha256, fit: try value("the fit", $0.fit, InputPicture.Fit.init),
        strength: $0.strength)
    }
    (variation, ablation) = (record.variation, record.ablation)
    pieces = try value("the rule of pieces", record.pieces, PieceRule.init)
    grid = try record.attentionResolution.map { try value("the grid", $0, Grid.init) }
    (stopsAtEnd, recording) = (record.normalizeEot, record.recording)
    previews = record.previews.map(StepPreviews.init)
    reading = PromptReading(
      syntax: try record.syntax.map { try value("the syntax", $0, PromptSyntax.init) } ?? .plain,
      isLong: record.longPrompts ?? false)
    clipSkip = record.clipSkip
    (secondPrompt, secondNegativePrompt) = (record.secondPrompt, record.secondNegativePrompt)
    originalSize = try record.originalSize.map {
      try value("the original size", $0, ImageSize.init)
    }
    crop = try record.crop.map { try value("the crop", $0, CropCorner.init) }
  }

  /// Reads a request, as ``init(_:)-(RunRequestRecord)`` does.
  public init(from decoder: any Decoder) throws {
    try self.init(try RunRequestRecord(from: decoder))
  }

  /// Writes the request's record.
  public func encode(to encoder: any Encoder) throws { try record.encode(to: encoder) }

  /// Whether two requests ask for the same run, wherever a picture's file is.
  public static func == (left: Self, right: Self) -> Bool { left.record == right.record }
}
