internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// A UNet and everything that its passes in a picture need.
struct UNetSubject {
  private let unet: UNet
  private let latent: Tensor
  private let embeddings: (conditional: PromptEmbedding, unconditional: PromptEmbedding)
  private let objective: AttendAndExcite.Loss
  private let sites: [AttentionSite]
  private let scheduler: SchedulerConfiguration

  /// A diffusion time in the middle.
  private static let timestep = 500.0

  /// - Parameter size: the picture's; `nil` for the one that the checkpoint was trained at.
  /// - Throws: ``DiffusionError`` or `FileError` when the UNet cannot be loaded, or has no attention
  ///   at the grid that Attend-and-Excite reads.
  init(
    _ checkpoint: Checkpoint,
    _ embeddings: (conditional: PromptEmbedding, unconditional: PromptEmbedding), size: ImageSize?
  ) throws {
    self.embeddings = embeddings
    latent = try checkpoint.randomLatent(size)
    scheduler = try checkpoint.schedulerConfiguration(.ddim)
    let factor = checkpoint.vaeConfiguration.factor
    let window = embeddings.conditional.tokens.shape[1]
    let (rows, columns) = (latent.shape[2], latent.shape[3])
    let size = ImageSize(width: columns * factor, height: rows * factor)
    unet = try checkpoint.makeUNet().conditioned(
      on: SizeConditioning(original: size, crop: .none, target: size))
    objective = AttendAndExcite.Loss(
      subjects: EngineBenchmark.subjects,
      grid: checkpoint.guidance.grid
        ?? Grid(rows: (rows * factor + 31) / 32, columns: (columns * factor + 31) / 32),
      pieces: .standard, lastToken: window - 1, sigma: 0.5, kernelSize: 3)
    sites = try objective.sites(
      among: unet.sites(rows: rows, columns: columns, tokens: window))
  }

  /// Predicts the noise of one latent, or of two under both prompts.
  func predict(batch: Int) throws {
    let pass = AttentionPass(
      step: 0, timestep: Self.timestep, phase: .denoise, branches: [.conditional])
    let (plain, guided) = (embeddings.unconditional, embeddings.conditional)
    _ = try unet(
      batch == 1 ? latent : .concatenated([latent, latent], axis: 0), timestep: Self.timestep,
      text: batch == 1 ? guided : .stacked([plain, guided]),
      tap: AttentionTap(pass: pass))
  }

  /// Evaluates Attend-and-Excite's loss on a tape.
  func look() throws -> LossProbe {
    let pass = AttentionPass(
      step: 0, timestep: Self.timestep, phase: .loss, branches: [.conditional])
    return try LossProbe(
      of: objective, at: latent, unet: unet, timestep: Self.timestep,
      tap: AttentionTap(pass: pass, sites: sites.map(\.path), endsEarly: true), sites: sites
    ) { ($0, embeddings.conditional) }
  }

  /// A run whose next step is altered.
  func sequence() throws -> DenoisingSequence {
    try DenoisingSequence(
      unet: unet, scheduler: scheduler.scheduler(steps: EngineBenchmark.steps),
      latent: latent, embeddings: embeddings, guidanceScale: 7.5,
      parts: MethodParts(guide: GradientDescent(objective, .benchmark(altered: 1))))
  }
}

extension Checkpoint {
  /// Noise of a picture's size, or of the one that the checkpoint was trained at, `[1, 4, row, column]`.
  /// - Throws: ``DiffusionError`` for a size that no latent has.
  func randomLatent(_ size: ImageSize?) throws -> Tensor {
    let sides: (rows: Int, columns: Int) =
      try size?.latentGrid(factor: vaeConfiguration.factor)
      ?? (unetConfiguration.sampleRows, unetConfiguration.sampleColumns)
    var source = TorchRandomSource(seed: 0)
    return source.normal(shape: [1, unetConfiguration.channels, sides.rows, sides.columns])
  }
}
