public import AttentionTrace
package import Pictures
public import PromptText
public import TensorEngine

/// A request resolved against a checkpoint: all that its run needs to know, worked out once.
///
/// Nothing that comes after takes a request: the sequence, the recorder, the manifest and the messages
/// read a plan.
public struct PlannedRun: Sendable {
  /// The checkpoint that makes it.
  public let model: StableDiffusion
  /// What was asked for, with nothing left open.
  public internal(set) var request: RunRequest
  /// The prompt as its tokens.
  public let prompt: TokenTable
  /// Every text that the run reads; the prompt is the first.
  public internal(set) var texts: [EncodedText]
  /// What is measured of the prompt.
  public internal(set) var subjects: [Subject] = []
  /// The picture in pixels.
  public let size: ImageSize
  /// Rows and columns of the latent.
  public let latentGrid: Grid
  /// The grid whose attention is measured.
  public let grid: Grid
  /// Tokens `1..<lastToken` share the renormalisation: the window's last token in SD 1.x, which keeps
  /// the end token and the padding in it; the end token in SD 2.x, whose encoder draws attention to it.
  public let lastToken: Int
  /// Every attention at the run's size, in the order in which a pass reaches them.
  public let sites: [AttentionSite]
  /// The diffusion times of its iterations.
  public let timesteps: [Double]
  /// The scheduler's name and every setting of it.
  public let scheduler: [String: String]
  /// Every pass that it may make, refinement tries included.
  public internal(set) var passes: [AttentionPass] = []
  /// What recording takes; `nil` if nothing is recorded.
  public internal(set) var cost: RecordingCost?
  /// What it needs at least besides the weights, in bytes.
  public internal(set) var workingMemory = 0
  /// The start picture; `nil` for noise alone.
  public let picture: InputPicture?
  /// The name of the folder that runs of its prompt stand in; `nil` for the prompt's slug.
  package var promptFolder: String?
  /// What its method adds.
  public internal(set) var parts = MethodParts()

  /// The method's name, and what sets the run apart: the folder that runs by it stand in.
  public var methodName: String { ([request.method.name] + changes).joined(separator: "+") }

  /// The same for people, as in `Attend-and-Excite, scale-factor-5`.
  public var methodTitle: String { ([request.method.title] + changes).joined(separator: ", ") }

  /// What sets the run apart from others by its method.
  private var changes: [String] {
    [request.variation, request.ablation.map { RunFolder.slug($0.text) }].compactMap(\.self)
  }

  /// The folder of the run below `root`, or that of the same run from another seed.
  public func folder(in root: String, seed: UInt64? = nil) -> RunFolder {
    RunFolder(
      root: root, id: promptFolder ?? RunFolder.slug(request.prompt), method: methodName,
      seed: seed ?? request.seed)
  }
}

// MARK: - What methods ask

extension PlannedRun {
  /// How its maps are read by an objective that smooths them so.
  public func reading(_ smoothing: MapSmoothing) -> MapReading {
    MapReading(
      grid: grid, lastToken: lastToken, pieces: request.pieces,
      sigma: smoothing.isOn ? smoothing.sigma : nil, kernelSize: smoothing.kernelSize)
  }

  /// Whether it has so few steps that schedules take shares of them; an explanation has none.
  var hasFewSteps: Bool {
    !(request.method is PictureExplanation) && request.steps <= GradientSchedule.fewSteps
  }

  /// Every token of the prompt's text.
  public var content: [Int] { prompt.content }

  /// Another text as its tokens, read as the prompt is.
  public func tokens(_ text: String) -> TokenTable {
    model.tokenizer.encode(text, as: request.reading)
  }

  /// The embedding of a text that is read as the prompt is.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func embedding(_ text: String) throws -> PromptEmbedding {
    try embedding(of: tokens(text))
  }

  /// The embedding of a text by its tokens, without the layers that CLIP skips.
  ///
  /// - Parameter second: what the second text encoder reads instead; `nil` for the same text.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func embedding(
    of table: TokenTable, second: String? = nil
  ) throws -> PromptEmbedding {
    try model.embedding(
      of: table, other(second ?? table.prompt, like: table), clipSkip: request.clipSkip ?? 0)
  }

  /// The embedding of its prompt.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  var promptEmbedding: PromptEmbedding {
    get throws { try embedding(of: prompt, second: request.secondPrompt) }
  }

  /// Refuses a second prompt: a token's vector then is of two texts, and a method that edits vectors of words would
  /// edit another word's.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)``.
  func requireOnePrompt() throws {
    let second = request.secondPrompt
    try DiffusionError.require(
      second == nil || second == prompt.prompt, "the second prompt of \(request.method.name)",
      "'\(second ?? "")'", "none, because the method changes the vectors of the prompt's words")
  }

  /// A text as the second text encoder reads it; `nil` where there is one.
  private func other(_ text: String, like table: TokenTable) -> TokenTable? {
    model.encoders.second(of: text, like: table, as: request.reading)
  }

  /// The embedding that the prompt's is set against.
  ///
  /// Of the negative prompt no layer is skipped, as in diffusers; SDXL takes zeros for an absent one.
  private func unconditional(like prompt: PromptEmbedding) throws -> PromptEmbedding {
    // Without guidance no pass reads it.
    guard let table = texts.first(where: { $0.role == .negative })?.table else { return prompt }
    let second = request.secondNegativePrompt
    if model.checkpoint.zeroesAbsentText, table.prompt.isEmpty, second?.isEmpty ?? true {
      return prompt.zeros
    }
    return try model.embedding(of: table, other(second ?? table.prompt, like: table))
  }

  /// The UNet, told what it is told of guidance and sizes.
  var unet: UNet {
    model.unet.embedding(guidanceScale: request.guidanceScale).conditioned(
      on: SizeConditioning(
        original: request.originalSize ?? size, crop: request.crop ?? .none, target: size))
  }

  /// How many windows of the text encoder its prompt and its negative prompt take, each of them.
  var windows: Int { prompt.tokens.count / model.tokenizer.window }

  /// The noise that the run's seed gives after all that the run itself draws, by the draw from 1 on.
  package var freshNoise: @Sendable (Int) throws -> Tensor {
    { draw in
      let drawn = try model.makeScheduler(request).draws(before: timesteps.count)
      var source = try request.randomSource()
      for _ in 0..<drawn + draw { _ = source.normal(shape: latentShape) }
      return source.normal(shape: latentShape)
    }
  }

  /// `[1, 4, row, column]`.
  package var latentShape: [Int] {
    [1, model.checkpoint.unetConfiguration.channels, latentGrid.rows, latentGrid.columns]
  }

  /// The deviation of the latent in the first iteration.
  var initialNoiseScale: Float {
    get throws { try model.makeScheduler(request).initialNoiseScale }
  }
}

// MARK: - The run

extension PlannedRun {
  /// Sets up the loop.
  ///
  /// - Parameters:
  ///   - observers: see the attention of every pass.
  ///   - report: is told of every pass when it is over.
  /// - Throws: ``DiffusionError`` when the run cannot be made.
  public func sequence(
    observers: [any AttentionObserver] = [],
    report: @escaping DenoisingSequence.PassReport = { _, _ in }
  ) throws -> DenoisingSequence {
    var source = try request.randomSource()
    let (scheduler, latent) = try start(drawingFrom: &source)
    let conditional = try parts.prompt ?? promptEmbedding
    let unconditional = try unconditional(like: conditional)
    // What the text encoders are kept in is of no more use, and in SDXL a third of the UNet's.
    if model.checkpoint.isXL { MappedFile.releaseAll() }
    return try DenoisingSequence(
      unet: unet, scheduler: scheduler,
      latent: latent, noise: source, embeddings: (conditional, unconditional),
      guidanceScale: model.unet.embedsGuidance ? 1 : request.guidanceScale,
      guidanceRescale: request.guidanceRescale ?? 0, parts: parts, measuresLosses: recordsLosses,
      observers: observers, report: report)
  }

  /// Whether its recording keeps something of a pass that it makes; of a run that is not recorded, too.
  package var recordsSomething: Bool {
    request.recording.map { passes.contains(where: $0.keeps) } ?? true
  }

  /// Refuses a recording that keeps nothing of any pass that the run makes.
  /// - Throws: `TraceError.badSelection(what:got:expected:)`.
  package func requireRecorded() throws {
    guard !recordsSomething, let recording = request.recording else { return }
    let branches = Branch.allCases.filter { branch in
      passes.contains { $0.branches.contains(branch) }
    }
    guard !recording.branches.isDisjoint(with: branches) else {
      throw TraceError.badSelection(
        what: "branches", got: "unconditional",
        expected:
          "conditional, since \(methodName) without guidance runs no other branch and nothing "
          + "would be recorded")
    }
    let phases = Phase.allCases.filter { phase in passes.contains { $0.phase == phase } }
    func names<Value: RawRepresentable>(_ values: [Value]) -> String
    where Value.RawValue == String { values.map(\.rawValue).joined(separator: ", ") }
    throw TraceError.badSelection(
      what: "phases", got: names(Phase.allCases.filter(recording.phases.contains)),
      expected: "some of \(names(phases)) in the steps recorded, which are all that "
        + "\(methodName) has; nothing would be recorded")
  }

  /// Whether an iteration runs a branch without the prompt too.
  var isGuided: Bool { model.isGuided(request) }

  /// Whether the loss is looked at in every iteration, altered or not, because it is recorded.
  var recordsLosses: Bool { request.recording?.phases.contains(.loss) ?? false }

  /// The bytes of the run's picture: decoded from its latent, or the picture that was explained.
  ///
  /// - Returns: `[row, column, red | green | blue]`.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func pixels(_ latent: Tensor) throws -> [UInt8] {
    if request.method is PictureExplanation, let picture { return picture.fitted(to: size).pixels }
    return try model.pixels(latent)
  }
}

extension PlannedRun {
  /// Whether the run keeps the picture that an iteration predicts.
  package func keepsPreview(ofStep step: Int) -> Bool {
    request.previews.map { $0.steps?.contains(step) ?? true } ?? false
  }

  /// The picture of a step's predicted latent, in the size in which it is kept; `nil` where it is not kept.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func preview(of step: DenoisingStep) throws -> Picture? {
    guard keepsPreview(ofStep: step.index) else { return nil }
    let decoded =
      try request.previews?.decoder.map { try Picture(decoded: $0.decode(step.predicted)) }
      ?? Picture(width: size.width, height: size.height, pixels: model.pixels(step.predicted))
    let kept = RunManifest.previewSize(width: size.width, height: size.height)
    return kept == (decoded.width, decoded.height)
      ? decoded : decoded.resized(width: kept.width, height: kept.height)
  }
}
