internal import AttentionTrace
internal import TensorEngine

/// The pictures that a run's steps predict, kept beside its attention.
///
/// They change nothing of the run. The hashes of the decoder's files are what they depend on.
public struct StepPreviews: Sendable {
  /// The iterations whose pictures are kept, from 0; `nil` for all with a tiny autoencoder, and for four of
  /// them with the checkpoint's own, which takes long.
  public var steps: [Int]?
  /// SHA-256 of each file of the tiny autoencoder, by its name; `nil` for the checkpoint's own.
  let files: [String: String]?
  private let source: TinyAutoencoderSource?
  /// The tiny autoencoder; `nil` for the checkpoint's own, or where its place is not known.
  package let decoder: TinyAutoencoder?

  /// Previews that the checkpoint's own autoencoder decodes.
  public init(steps: [Int]? = nil) {
    (self.steps, files, source, decoder) = (steps, nil, nil, nil)
  }

  /// Previews that a tiny autoencoder decodes.
  ///
  /// - Parameters:
  ///   - path: a folder in diffusers' layout with an `AutoencoderTiny`, or a safetensors file of TAESD's
  ///     decoder.
  ///   - steps: the iterations whose pictures are kept; `nil` for all.
  /// - Throws: ``DiffusionError`` or `FileError` when there is none, it is none, or it is damaged.
  public init(_ path: String, steps: [Int]? = nil) throws {
    let source = try TinyAutoencoderSource(path)
    self.steps = steps
    (files, decoder) = (try source.hashes(), try source.decoder())
    self.source = source
  }

  init(_ record: PreviewRecord) {
    (steps, files, source, decoder) = (record.steps, record.files, nil, nil)
  }

  var record: PreviewRecord { PreviewRecord(files: files, steps: steps) }

  /// The previews of a run with nothing left open.
  ///
  /// - Parameter iterations: how many the run has.
  /// - Throws: ``DiffusionError`` for a step that it does not have, and for a decoder of other latents.
  func resolved(for checkpoint: Checkpoint, iterations: Int) throws -> StepPreviews {
    var previews = self
    if let steps {
      let outside = steps.first { !(0..<iterations).contains($0) }
      try DiffusionError.require(
        outside == nil && !steps.isEmpty, "a step with a predicted picture",
        outside.map { String($0) } ?? "missing", "0…\(iterations - 1)")
      previews.steps = Set(steps).sorted()
    }
    guard let files else {
      previews.steps = previews.steps ?? PreviewRecord.spread(Array(0..<iterations))
      return previews
    }
    guard let decoder, let source else {
      throw DiffusionError.moved(
        what: "the tiny autoencoder", sha256: files.values.min() ?? "", path: "an unknown place")
    }
    let own = (checkpoint.unetConfiguration.channels, checkpoint.vaeConfiguration.factor)
    let (shape, place) = (decoder.configuration, source.latentPlace)
    guard shape.latentChannels == own.0 else {
      throw DiffusionError.unsupported(
        path: place.file, key: place.key, value: String(shape.latentChannels),
        supported: "\(checkpoint.name) with a preview of \(own.0) latent channels; "
          + TinyAutoencoderSource.advice)
    }
    guard shape.factor == own.1 else {
      throw DiffusionError.unsupported(
        path: place.file, key: "the enlargement of a side", value: String(shape.factor),
        supported: "\(checkpoint.name) with a preview that enlarges \(own.1) times; "
          + TinyAutoencoderSource.advice)
    }
    return previews
  }
}
