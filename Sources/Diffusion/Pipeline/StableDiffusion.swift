public import AttentionTrace
private import Foundation
internal import Pictures
public import PromptText
internal import Synchronization
public import TensorEngine

/// A loaded checkpoint, ready to make pictures, several at a time if need be.
public final class StableDiffusion: Sendable {
  /// What it was loaded from.
  public let checkpoint: Checkpoint
  /// Reads prompts, for the first text encoder where there are two.
  public var tokenizer: CLIPTokenizer { encoders.tokenizer }
  let unet: UNet
  let vae: VAE
  let encoders: TextEncoders
  private let embeddings = Mutex<[EmbeddingKey: PromptEmbedding]>([:])
  private let banks = Mutex<[BankKey: EmbeddedBank]>([:])
  private let hashes = Mutex<[String: String]?>(nil)
  /// Of the pictures that runs work from, at their size.
  let posteriors = Mutex<[Picture: VAE.Posterior]>([:])

  /// Loads every part.
  /// - Throws: ``DiffusionError``, `TextError` or `FileError` when one is missing or damaged.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    encoders = try checkpoint.makeTextEncoders()
    unet = try checkpoint.makeUNet()
    vae = try checkpoint.makeVAE()
  }

  /// The picture's size that the checkpoint was trained at.
  public var trainedSize: ImageSize {
    let configuration = checkpoint.unetConfiguration
    let factor = checkpoint.vaeConfiguration.factor
    return ImageSize(
      width: configuration.sampleColumns * factor, height: configuration.sampleRows * factor)
  }

  /// The embedding of a prompt of plain text.
  func embedding(_ prompt: String) throws -> PromptEmbedding {
    try embedding(of: tokenizer.encode(prompt))
  }

  /// What decides an embedding.
  private struct EmbeddingKey: Hashable {
    let ids: [Int]
    let weights: [Double?]
    let clipSkip: Int
  }

  /// The embedding of a text; see ``TextEncoders/embedding(of:_:clipSkip:)``.
  func embedding(
    of table: TokenTable, _ other: TokenTable? = nil, clipSkip: Int = 0
  ) throws -> PromptEmbedding {
    let tokens = table.tokens + (other?.tokens ?? [])
    let key = EmbeddingKey(
      ids: tokens.map(\.id), weights: tokens.map(\.weight), clipSkip: clipSkip)
    if let known = embeddings.withLock({ $0[key] }) { return known }
    let embedding = try encoders.embedding(of: table, other, clipSkip: clipSkip)
    embeddings.withLock { $0[key] = embedding }
    return embedding
  }

  /// What decides the vectors of a file of words.
  private struct BankKey: Hashable {
    let path: String
    let clipSkip: Int
  }

  /// The words of a file with the vectors of their last tokens; made once.
  func bank(at path: String, clipSkip: Int) throws -> EmbeddedBank {
    let key = BankKey(path: path, clipSkip: clipSkip)
    if let known = banks.withLock({ $0[key] }) { return known }
    let words = try WordBank(path: path).words
    let bank = EmbeddedBank(
      words: words, vectors: try encoders.lastVectors(of: words, clipSkip: clipSkip))
    banks.withLock { $0[key] = bank }
    return bank
  }

  /// SHA-256 of each of the checkpoint's files, by its path inside the folder; hashed once.
  /// - Throws: `FileError`.
  package func fileHashes() throws -> [String: String] {
    if let known = hashes.withLock({ $0 }) { return known }
    let found = try checkpoint.hashes()
    hashes.withLock { $0 = found }
    return found
  }

  /// Plans and sets up a run; see ``plan(_:)`` and ``PlannedRun/sequence(observers:report:)``.
  /// - Throws: as these do.
  public func sequence(
    _ request: RunRequest, observers: [any AttentionObserver] = [],
    report: @escaping DenoisingSequence.PassReport = { _, _ in }
  ) throws -> DenoisingSequence {
    try plan(request).sequence(observers: observers, report: report)
  }

  func schedulerKind(_ request: RunRequest) throws -> SchedulerKind {
    guard let name = request.scheduler else { return try checkpoint.schedulerKind() }
    guard let kind = SchedulerKind(rawValue: name) else {
      throw DiffusionError.invalidRequest(
        what: "the scheduler", got: name,
        expected: "one of " + SchedulerKind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return kind
  }

  /// The settings of a request's scheduler.
  func schedulerConfiguration(_ request: RunRequest) throws -> SchedulerConfiguration {
    try checkpoint.schedulerConfiguration(
      schedulerKind(request), sigmas: request.sigmas, spacing: request.timestepSpacing)
  }

  /// The scheduler of a request that denoises; with a picture its first iterations are left out.
  func makeScheduler(_ request: RunRequest) throws -> any Scheduler {
    let whole = try schedulerConfiguration(request).scheduler(
      steps: request.steps, eta: request.eta ?? 0)
    guard let picture = request.picture else { return whole }
    return LateStart(
      whole, begin: try picture.firstIteration(of: request.steps) * whole.evaluationsPerStep)
  }

  /// The picture of a latent: `[row, column, channel]`, bytes of red, green and blue.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func pixels(_ latent: Tensor) throws -> [UInt8] {
    // The autoencoder works at the picture's size: its need is the largest of a run, and comes when
    // the UNet has done its work.
    MappedFile.releaseAll()
    ResidentMemory.trim()
    return Picture(decoded: try vae.decode(latent)).pixels
  }
}
