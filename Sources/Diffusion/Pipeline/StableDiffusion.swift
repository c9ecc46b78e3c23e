public import AttentionTrace
private import Foundation
internal import Pictures
internal import Synchronization
public import TensorEngine

/// A loaded checkpoint, ready to make pictures, several at a time if need be.
public final class StableDiffusion: Sendable {
  /// What it was loaded from.
  public let checkpoint: Checkpoint
  /// Reads prompts.
  public let tokenizer: CLIPTokenizer
  let unet: UNet
  let vae: VAE
  private let text: CLIPTextModel
  private let embeddings = Mutex<[String: Tensor]>([:])
  /// Of the pictures that runs work from, at their size.
  let posteriors = Mutex<[Picture: VAE.Posterior]>([:])

  /// Loads every part.
  /// - Throws: ``DiffusionError``, ``TextError`` or `FileError` when one is missing or damaged.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    tokenizer = try checkpoint.makeTokenizer()
    text = try checkpoint.makeTextModel()
    unet = try checkpoint.makeUNet()
    vae = try checkpoint.makeVAE()
    guard tokenizer.window == text.configuration.window else {
      throw DiffusionError.unsupported(
        path: checkpoint.path, key: "the tokenizer's window", value: String(tokenizer.window),
        supported: "the text encoder's (\(text.configuration.window))")
    }
  }

  /// The picture's size that the checkpoint was trained at.
  public var trainedSize: ImageSize {
    let configuration = checkpoint.unetConfiguration
    let factor = checkpoint.vaeConfiguration.factor
    return ImageSize(
      width: configuration.sampleColumns * factor, height: configuration.sampleRows * factor)
  }

  /// A request's picture in pixels.
  public func size(_ request: GenerationRequest) -> ImageSize { request.size ?? trainedSize }

  /// The rows and columns of a request's latent.
  /// - Throws: ``DiffusionError`` when the autoencoder does not divide the size.
  public func latentGrid(_ request: GenerationRequest) throws -> Grid {
    let sides = try size(request).latentGrid(factor: checkpoint.vaeConfiguration.factor)
    return Grid(rows: sides.rows, columns: sides.columns)
  }

  /// Every attention at a request's size, in the order in which a pass reaches them.
  /// - Throws: as ``latentGrid(_:)``.
  public func sites(_ request: GenerationRequest) throws -> [AttentionSite] {
    let latent = try latentGrid(request)
    return unet.sites(rows: latent.rows, columns: latent.columns, tokens: tokenizer.window)
  }

  /// The embedding of a prompt, `[1, token, width]`.
  func embedding(_ prompt: String) throws -> Tensor {
    if let known = embeddings.withLock({ $0[prompt] }) { return known }
    let embedding = try text([tokenizer.encode(prompt).tokens.map(\.id)])
    embeddings.withLock { $0[prompt] = embedding }
    return embedding
  }

  /// What is measured of a request's attention; `nil` without subjects.
  public func objective(_ request: GenerationRequest) throws -> Excitation? {
    guard !request.subjects.isEmpty else { return nil }
    let settings = request.method.base.measurement
    try settings.validate()
    let objective = Excitation(
      subjects: request.subjects, grid: try grid(request), pieces: request.pieces,
      lastToken: lastToken(request, tokenizer.encode(request.prompt)),
      sigma: settings.smooths ? settings.sigma : nil, kernelSize: settings.kernelSize)
    _ = try objective.sites(among: sites(request))
    return objective
  }

  /// How a request's maps are read by an objective.
  /// - Throws: as ``grid(_:)``.
  public func reading(_ request: GenerationRequest) throws -> MapReading {
    try context(request).reading(request.method.base.measurement)
  }

  /// The grid whose attention a request measures.
  ///
  /// A grid in the checkpoint's `guidance.json` is that of the size it was trained at: at another
  /// size it is the grid of the same level of the UNet.
  /// - Throws: as ``latentGrid(_:)``.
  public func grid(_ request: GenerationRequest) throws -> Grid {
    if let grid = request.grid { return grid }
    let latent = try latentGrid(request)
    guard let trained = checkpoint.guidance.grid else {
      let size = size(request)
      return Grid(rows: (size.height + 31) / 32, columns: (size.width + 31) / 32)
    }
    let configuration = checkpoint.unetConfiguration
    let level = grids(
      Grid(rows: configuration.sampleRows, columns: configuration.sampleColumns)
    ).firstIndex(of: trained)
    return level.map { grids(latent)[$0] } ?? trained
  }

  /// The grid of each level of the UNet at a latent's size, from the top.
  func grids(_ latent: Grid) -> [Grid] { unet.grids(latent) }

  /// Whether a request's renormalisation stops before the end token.
  ///
  /// Attend-and-Excite does so with SD 2.x, whose text encoder gives the end token so much attention
  /// that no other token could approach 1. OpenCLIP's encoders are told by their exact gelu.
  public func stopsAtEnd(_ request: GenerationRequest) -> Bool {
    request.stopsAtEnd ?? checkpoint.guidance.stopsAtEnd
      ?? (checkpoint.textConfiguration.activation == .gelu)
  }

  /// Sets up a run.
  ///
  /// - Parameters:
  ///   - guide: moves the latent by an objective of one's own, in place of the method's guide.
  ///   - observers: see the attention of every pass.
  ///   - report: is told of every pass when it is over.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  public func sequence(
    _ request: GenerationRequest, guide: (any LatentGuide)? = nil,
    observers: [any AttentionObserver] = [],
    report: @escaping DenoisingSequence.PassReport = { _, _ in }
  ) throws -> DenoisingSequence {
    guard request.guidanceScale.isFinite else {
      throw DiffusionError.invalidRequest(
        what: "the guidance scale", got: String(request.guidanceScale), expected: "a number")
    }
    var parts = try parts(request)
    parts.guide = guide ?? parts.guide
    let grid = try latentGrid(request)
    var source = try request.randomSource()
    let (scheduler, latent) = try start(
      request, shape: [1, checkpoint.unetConfiguration.channels, grid.rows, grid.columns],
      drawingFrom: &source)
    return try DenoisingSequence(
      unet: unet, scheduler: scheduler, latent: latent, noise: source,
      embeddings: (embedding(request.prompt), embedding(request.negativePrompt)),
      guidanceScale: request.guidanceScale, parts: parts, observers: observers, report: report)
  }

  private func schedulerKind(_ request: GenerationRequest) throws -> SchedulerKind {
    guard let name = request.scheduler else { return try checkpoint.schedulerKind() }
    guard let kind = SchedulerKind(rawValue: name) else {
      throw DiffusionError.invalidRequest(
        what: "the scheduler", got: name,
        expected: SchedulerKind.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return kind
  }

  /// The scheduler of a request that denoises; with a picture its first iterations are left out.
  func scheduler(_ request: GenerationRequest) throws -> any Scheduler {
    let whole = try schedulerKind(request).make(checkpoint.schedule, steps: request.steps)
    guard request.picture != nil else { return whole }
    return LateStart(whole, begin: try request.firstIteration())
  }

  /// The diffusion times of a request's iterations.
  public func timesteps(_ request: GenerationRequest) throws -> [Double] {
    if let times = request.method.explainedTimes { return times.map(Double.init) }
    return try scheduler(request).timesteps
  }

  /// The scheduler's name and every setting of it.
  public func schedulerSettings(_ request: GenerationRequest) throws -> [String: String] {
    var settings = checkpoint.schedule.settings
    settings["name"] =
      try request.method.explainedTimes == nil ? schedulerKind(request).rawValue : "none"
    return settings
  }

  /// The picture of a latent: `[row, column, channel]`, bytes of red, green and blue.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func pixels(_ latent: Tensor) throws -> [UInt8] {
    // The autoencoder works at the picture's size: its need is the largest of a run, and comes when
    // the UNet has done its work.
    MappedFile.releaseAll()
    ResidentMemory.trim()
    let image = try vae.decode(latent)
    let plane = image.shape[2] * image.shape[3]
    return image.withSpan { values in
      [UInt8](unsafeUninitializedCapacity: 3 * plane) { bytes, count in
        for pixel in 0..<plane {
          for channel in 0..<3 {
            let level = values[channel * plane + pixel] / 2 + 0.5
            let clamped = level > 0 ? min(level, 1) : 0
            bytes[3 * pixel + channel] = UInt8((clamped * 255).rounded(.toNearestOrEven))
          }
        }
        count = 3 * plane
      }
    }
  }
}
