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
  /// Reads prompts.
  public let tokenizer: CLIPTokenizer
  let unet: UNet
  let vae: VAE
  private let text: CLIPTextModel
  private let embeddings = Mutex<[String: Tensor]>([:])
  private let hashes = Mutex<[String: String]?>(nil)
  /// Of the pictures that runs work from, at their size.
  let posteriors = Mutex<[Picture: VAE.Posterior]>([:])

  /// Loads every part.
  /// - Throws: ``DiffusionError``, `TextError` or `FileError` when one is missing or damaged.
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

  /// The embedding of a prompt, `[1, token, width]`.
  func embedding(_ prompt: String) throws -> Tensor {
    if let known = embeddings.withLock({ $0[prompt] }) { return known }
    let embedding = try text([tokenizer.encode(prompt).tokens.map(\.id)])
    embeddings.withLock { $0[prompt] = embedding }
    return embedding
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
        expected: SchedulerKind.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return kind
  }

  /// The scheduler of a request that denoises; with a picture its first iterations are left out.
  func makeScheduler(_ request: RunRequest) throws -> any Scheduler {
    let whole = try schedulerKind(request).make(checkpoint.schedule, steps: request.steps)
    guard let picture = request.picture else { return whole }
    return LateStart(whole, begin: try picture.firstIteration(of: request.steps))
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
      unsafe [UInt8](unsafeUninitializedCapacity: 3 * plane) { bytes, count in
        for pixel in 0..<plane {
          for channel in 0..<3 {
            let level = values[channel * plane + pixel] / 2 + 0.5
            let clamped = level > 0 ? min(level, 1) : 0
            unsafe bytes[3 * pixel + channel] = UInt8((clamped * 255).rounded(.toNearestOrEven))
          }
        }
        count = 3 * plane
      }
    }
  }
}
