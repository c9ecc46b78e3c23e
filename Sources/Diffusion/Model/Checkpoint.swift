package import AttentionTrace
private import COpenSSL
private import Foundation
internal import TensorEngine

/// A checkpoint in diffusers' layout: where its parts are, and what they say of themselves.
///
/// Opening one reads configurations only; weights are mapped when a part is made.
public struct Checkpoint: Sendable {
  /// The folder.
  public let folder: String
  package let unetConfiguration: UNetConfiguration
  package let vaeConfiguration: VAEConfiguration
  package let textConfiguration: TextConfiguration
  package let schedule: NoiseSchedule
  /// What Attend-and-Excite needs different from the paper with this checkpoint.
  package let guidance: GuidanceDefaults
  /// Takes the place of the weight files, which then need not be there.
  package var randomWeights: RandomWeights?

  /// Opens a folder with `model_index.json`, `unet/`, `vae/`, `text_encoder/` and `scheduler/`.
  ///
  /// - Throws: ``DiffusionError`` when a part is missing or of a kind Heed does not run, `FileError`
  ///   when a configuration is damaged.
  public init(_ folder: String) throws {
    self.folder = folder
    try Self.requireFolder(folder)
    let index = try Self.json(folder, "model_index.json")
    if let name = try index.optionalMember("_class_name")?.string(),
      !name.hasPrefix("StableDiffusion") || name.contains("XL") || name.contains("3")
    {
      throw DiffusionError.unsupported(
        path: index.file, key: "_class_name", value: name,
        supported: "Stable Diffusion 1.x and 2.x (StableDiffusionPipeline)")
    }
    unetConfiguration = try UNetConfiguration(try Self.json(folder, "unet/config.json"))
    vaeConfiguration = try VAEConfiguration(try Self.json(folder, "vae/config.json"))
    textConfiguration = try TextConfiguration(try Self.json(folder, "text_encoder/config.json"))
    schedule = try NoiseSchedule(try Self.json(folder, "scheduler/scheduler_config.json"))
    guidance = try GuidanceDefaults(folder: folder)
    guard unetConfiguration.contextWidth == textConfiguration.width else {
      throw DiffusionError.unsupported(
        path: folder + "/unet/config.json", key: "cross_attention_dim",
        value: String(unetConfiguration.contextWidth),
        supported: "a UNet as wide as its text encoder (\(textConfiguration.width))")
    }
  }

  /// The scheduler the checkpoint was shipped with.
  /// - Throws: ``DiffusionError`` when Heed lacks it.
  package func schedulerKind() throws -> SchedulerKind {
    guard let kind = SchedulerKind(className: schedule.className) else {
      throw DiffusionError.unsupported(
        path: folder + "/scheduler/scheduler_config.json", key: "_class_name",
        value: schedule.className,
        supported: SchedulerKind.allCases.map(\.className).joined(separator: ", ")
          + "; choose another with --scheduler")
    }
    return kind
  }

  /// The model that comes with Heed.
  public static var menagerie: String {
    Bundle.module.resourceURL?.appendingPathComponent("Menagerie").path ?? "Menagerie"
  }

  /// The folder's name, or its own for the model that comes with Heed.
  public var name: String {
    let name = URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
    return name.isEmpty ? folder : name
  }

  private static func requireFolder(_ folder: String) throws {
    guard FileManager.default.fileExists(atPath: folder) else {
      throw DiffusionError.missingFile(
        path: folder, what: "there is no such model folder; give one in diffusers' layout")
    }
  }

  private static func json(_ folder: String, _ name: String) throws -> JSONNode {
    let path = folder + "/" + name
    guard FileManager.default.fileExists(atPath: path) else {
      throw DiffusionError.missingFile(
        path: path, what: "a checkpoint in diffusers' layout has this file")
    }
    return try StrictJSON.read(path: path)
  }
}

// MARK: - Parts

extension Checkpoint {
  /// Reads the UNet's weights.
  /// - Throws: ``DiffusionError`` listing what is missing, unused or of another shape; `FileError`.
  package func makeUNet() throws -> UNet {
    let parameters = try open("unet", "diffusion_pytorch_model")
    let unet = try UNet(ParameterScope(parameters), unetConfiguration)
    try parameters.finish()
    return unet
  }

  /// Reads the autoencoder's weights; throws as ``makeUNet()``.
  package func makeVAE() throws -> VAE {
    let parameters = try open("vae", "diffusion_pytorch_model")
    let vae = try VAE(ParameterScope(parameters), vaeConfiguration)
    try parameters.finish()
    return vae
  }

  /// Reads the text encoder's weights; throws as ``makeUNet()``.
  package func makeTextModel() throws -> CLIPTextModel {
    let parameters = try open("text_encoder", "model")
    let root = ParameterScope(parameters)
    // transformers 5 writes the names without the prefix that earlier versions gave them.
    let scope = root["text_model"].exists ? root["text_model"] : root
    let model = try CLIPTextModel(scope, textConfiguration)
    try parameters.finish { $0.hasSuffix("embeddings.position_ids") }
    return model
  }

  /// Reads the tokenizer, or CLIP's own where the checkpoint ships none.
  /// - Throws: `TextError`, `FileError`.
  public func makeTokenizer() throws -> CLIPTokenizer { try Self.tokenizer(of: folder) }

  /// Reads the tokenizer of a checkpoint's folder without looking at its other parts.
  /// - Throws: `TextError`, `FileError`; ``DiffusionError`` if there is no such folder.
  public static func tokenizer(of folder: String) throws -> CLIPTokenizer {
    try requireFolder(folder)
    let path = folder + "/tokenizer"
    guard FileManager.default.fileExists(atPath: path) else { return try .bundled() }
    return try CLIPTokenizer(folder: path)
  }

  private func open(_ part: String, _ name: String) throws -> Parameters {
    if let randomWeights { return Parameters(drawing: randomWeights) }
    let files = try WeightFiles(in: folder + "/" + part, named: name)
    return try Parameters(try files.paths.map(SafetensorsFile.init(path:)))
  }

  /// Each part with weights, and what its files are called.
  private static let parts = [
    ("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"),
    ("text_encoder", "model"),
  ]

  /// SHA-256 of every file that decides what the checkpoint computes, by its path in the folder.
  /// - Throws: `FileError` when one cannot be read.
  public func hashes() throws -> [String: String] {
    let weights = try Self.parts.flatMap { part, name in
      let files = try WeightFiles(in: folder + "/" + part, named: name)
      return files.paths + [files.index, "\(folder)/\(part)/config.json"].compactMap(\.self)
    }
    let others = [
      "scheduler/scheduler_config.json", "guidance.json", "tokenizer/vocab.json",
      "tokenizer/merges.txt", "tokenizer/tokenizer.json",
    ].map { folder + "/" + $0 }
    var hashes: [String: String] = [:]
    for path in weights + others where FileManager.default.fileExists(atPath: path) {
      hashes[String(path.dropFirst(folder.count + 1))] = Self.sha256(try MappedFile(path: path))
    }
    return hashes
  }

  /// SHA-256 of a file's bytes, 64 hexadecimal digits.
  ///
  /// Reads the file a piece at a time: it is larger than what a run needs in memory.
  static func sha256(_ file: MappedFile) -> String {
    let piece = 1 << 24
    var digest = [UInt8](repeating: 0, count: 32)
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
    for first in stride(from: 0, to: file.count, by: piece) {
      let range = first..<min(first + piece, file.count)
      file.withBytes { bytes in
        _ = EVP_DigestUpdate(
          context, UnsafeRawBufferPointer(rebasing: bytes[range]).baseAddress, range.count)
      }
      file.release(range)
    }
    EVP_DigestFinal_ex(context, &digest, nil)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

// MARK: - Guidance

/// `guidance.json` beside a checkpoint: what a method needs different from its paper there.
package struct GuidanceDefaults: Sendable, Equatable {
  /// The grid Attend-and-Excite reads; `nil` for 1/32 of the picture.
  package let grid: Grid?
  /// α before its decay; `nil` for the paper's.
  package let scaleFactor: Double?
  /// Whether tokens from the end token on are left out of the renormalisation; `nil` for the rule
  /// by family.
  package let stopsAtEnd: Bool?

  init(folder: String) throws {
    let path = folder + "/guidance.json"
    guard FileManager.default.fileExists(atPath: path) else {
      (grid, scaleFactor, stopsAtEnd) = (nil, nil, nil)
      return
    }
    let method = try StrictJSON.read(path: path).optionalMember("attend-and-excite")
    let resolution = try method?.optionalMember("attention_resolution")
    grid = try resolution.map { node in
      let sides = try node.integers()
      guard sides.count == 2, sides.allSatisfy({ $0 > 0 }) else {
        throw node.failure("expected rows and columns")
      }
      return Grid(rows: sides[0], columns: sides[1])
    }
    scaleFactor = try method?.optionalMember("scale_factor")?.double()
    stopsAtEnd = try method?.optionalMember("normalize_eot")?.bool()
  }
}
