private import Foundation
internal import TensorEngine

/// An autoencoder that takes the place of a checkpoint's own.
///
/// It is a folder in diffusers' layout, the folder of a checkpoint that has one, or a safetensors file: of an
/// autoencoder alone or of a whole checkpoint, in the original layout or in diffusers'.
struct VAESource: Sendable {
  /// The path that was given.
  let path: String
  /// What shapes it, by diffusers' keys.
  let configuration: JSONNode
  /// Every file that decides what it computes.
  let files: [String]
  /// What was taken for granted, a line each.
  let notes: [String]
  private let weights: [String]
  /// What begins its names in a single file; `nil` for diffusers' layout.
  private let prefix: String?

  /// - Parameter variant: the variant of a folder's weights.
  /// - Throws: ``DiffusionError``, `FileError` when there is none, or it is damaged.
  init(_ path: String, variant: String?) throws {
    self.path = path
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw DiffusionError.missingFile(
        path: path,
        what:
          "there is no such autoencoder; give a safetensors file, or a folder in diffusers' layout")
    }
    if !isFolder.boolValue {
      (configuration, files, notes, prefix) = try Self.single(path)
      weights = [path]
      return
    }
    let inside = path + "/" + CheckpointPart.vae.folder
    let isInside = CheckpointFiles.holdsWeights(inside)
    if !isInside, let file = try Self.onlyFile(in: path) {
      (configuration, files, notes, prefix) = try Self.single(file)
      weights = [file]
      return
    }
    let isPart = isInside || FileManager.default.fileExists(atPath: inside + "/config.json")
    let folder = isPart ? inside : path
    configuration = try CheckpointFiles.configuration(folder, "config.json")
    let found = try WeightFiles(of: .vae, folder: folder, variant: variant)
    weights = found.paths
    files = found.paths + [found.index, folder + "/config.json"].compactMap(\.self)
    (notes, prefix) = (found.note.map { [$0] } ?? [], nil)
  }

  /// The safetensors file of a folder that has just one, under another name than diffusers gives it.
  private static func onlyFile(in folder: String) throws -> String? {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".safetensors") && $0 != "golden.safetensors" }
    guard files.count == 1, !files[0].hasPrefix(CheckpointPart.vae.stem + ".") else { return nil }
    return folder + "/" + files[0]
  }

  private static func single(
    _ path: String
  ) throws -> (JSONNode, files: [String], notes: [String], prefix: String?) {
    let file = try OfferedFile.safetensors(path)
    let prefixes = [CheckpointPart.vae.originalPrefix, CheckpointPart.vae.otherPrefix, ""]
    guard
      let prefix = prefixes.compactMap(\.self).first(where: {
        file.entry($0 + OriginalShapes.telling) != nil
      })
    else {
      throw ModelKind.insteadOfVAE(file).refusal(path)
    }
    let folder = Checkpoint.folder(of: path)
    // A checkpoint's file has the configurations of its parts beside it, an autoencoder's its own.
    let configuration = [folder + "/vae/config.json", folder + "/config.json"].first {
      (try? StrictJSON.read(path: $0).optionalMember("_class_name")?.string()) == "AutoencoderKL"
    }
    let draft = try OriginalShapes(file: file, prefixes: [.vae: prefix]).vae()
    let node = try draft.node(
      whole: configuration.map { try StrictJSON.read(path: $0) }, partial: nil, weights: path)
    let note = "\(path): no configuration beside it; the scaling factor is taken for 0.18215"
    return (
      node, [path] + [configuration].compactMap(\.self), configuration == nil ? [note] : [], prefix
    )
  }

  /// Its parameters as diffusers calls them.
  /// - Throws: `FileError`, ``DiffusionError``.
  func parameters(
    _ configuration: VAEConfiguration, precision: WeightPrecision?, reads: Bool
  ) throws -> Parameters {
    try Parameters(
      weights.map(OfferedFile.safetensors),
      original: prefix.map { OriginalNames.vae(configuration, prefix: $0) }, precision: precision,
      reads: reads)
  }
}
