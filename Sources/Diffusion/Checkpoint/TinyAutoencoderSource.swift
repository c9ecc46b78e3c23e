private import Foundation
internal import TensorEngine

/// Where the decoder of a tiny autoencoder is: a folder in diffusers' layout, or a safetensors file of the
/// original layout (`taesd_decoder.safetensors`) or of diffusers'.
struct TinyAutoencoderSource: Sendable {
  let path: String
  let configuration: TinyAutoencoderConfiguration
  /// Every file that decides what it computes.
  let files: [String]
  /// Where its number of latent channels stands: the file, and the key or the tensor.
  let latentPlace: (file: String, key: String)
  private let weights: [String]
  /// Whether its names are the original ones, where a clamp has the number 0.
  private let isOriginal: Bool

  private static let prefix = "decoder.layers."
  private static let firstTensor = prefix + "0.weight"
  static let advice =
    "give the folder of an AutoencoderTiny of diffusers, or taesd_decoder.safetensors; for SDXL, "
    + "those of TAESDXL"

  /// - Throws: ``DiffusionError``, `FileError` when there is none, or it is damaged.
  init(_ path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw DiffusionError.missingFile(
        path: path, what: "there is no such tiny autoencoder; " + Self.advice)
    }
    if isFolder.boolValue {
      let config = path + "/config.json"
      guard FileManager.default.fileExists(atPath: config) else {
        throw DiffusionError.missingFile(path: config, what: Self.advice)
      }
      configuration = try Self.configuration(config)
      let found = try WeightFiles(of: .vae, folder: path)
      (weights, isOriginal, latentPlace) = (found.paths, false, (config, "latent_channels"))
      files = found.paths + [found.index, config].compactMap(\.self)
      return
    }
    let file = try OfferedFile.safetensors(path)
    weights = [path]
    isOriginal = file.entry(Self.firstTensor) == nil
    let (prefix, first) = isOriginal ? ("", 1) : (Self.prefix, 0)
    guard
      let shape = TinyAutoencoderConfiguration(file, prefix: prefix, first: first),
      !shape.blocks.isEmpty
    else {
      throw DiffusionError.notRunnable(
        path: path,
        what:
          "no decoder of a tiny autoencoder, which has the tensors 1.weight and 3.conv.0.weight, "
          + "or \(Self.firstTensor)", advice: Self.advice)
    }
    let config = Checkpoint.folder(of: path) + "/config.json"
    if !isOriginal, FileManager.default.fileExists(atPath: config) {
      configuration = try Self.configuration(config)
      (files, latentPlace) = ([path, config], (config, "latent_channels"))
      return
    }
    configuration = shape
    (files, latentPlace) = ([path], (path, "extent 1 of \(prefix)\(first).weight"))
  }

  private static func configuration(_ path: String) throws -> TinyAutoencoderConfiguration {
    let json = try StrictJSON.read(path: path)
    let name = try json.optionalMember("_class_name")?.string()
    guard name == TinyAutoencoderConfiguration.className else {
      throw DiffusionError.notRunnable(
        path: path,
        what: "_class_name is \(name.map(FileError.quoted) ?? "absent"), expected "
          + TinyAutoencoderConfiguration.className, advice: advice)
    }
    return try TinyAutoencoderConfiguration(json)
  }

  /// Reads its weights.
  /// - Throws: ``DiffusionError`` listing what is missing or of another shape; `FileError`.
  func decoder() throws -> TinyAutoencoder {
    let parameters = try Parameters(weights.map(OfferedFile.safetensors))
    let root = ParameterScope(parameters)
    let decoder = try TinyAutoencoder(
      isOriginal ? root : root["decoder"]["layers"], first: isOriginal ? 1 : 0, configuration)
    // What is left over is the encoder.
    try parameters.finish()
    return decoder
  }

  /// SHA-256 of every file that decides what it computes, by its name.
  /// - Throws: `FileError` when one cannot be read.
  func hashes() throws -> [String: String] {
    try files.reduce(into: [:]) { hashes, file in
      hashes[URL(fileURLWithPath: file).lastPathComponent] = SHA256.digest(
        of: try MappedFile(path: file))
    }
  }
}
