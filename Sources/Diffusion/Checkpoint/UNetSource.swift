private import Foundation
internal import TensorEngine

/// A UNet that takes the place of a checkpoint's own, of the same shape, as distilled ones are shipped.
///
/// It is a folder in diffusers' layout, or a safetensors file: of a UNet alone or of a whole checkpoint, in the
/// original layout or in diffusers'.
struct UNetSource: Sendable {
  /// What shapes it, where it comes with a configuration; `nil` for the checkpoint's.
  let configuration: JSONNode?
  /// Every file that decides what it computes.
  let files: [String]
  /// What was taken unasked, a line each.
  let notes: [String]
  /// Paths of its weight files.
  let weights: [String]
  /// Whether its names are the original ones.
  private let isOriginal: Bool

  /// - Parameter variant: the variant of a folder's weights.
  /// - Throws: ``DiffusionError``, `FileError` when there is none, or it is damaged.
  init(_ path: String, variant: String?) throws {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw DiffusionError.missingFile(
        path: path,
        what: "there is no such UNet; give a safetensors file, or a folder in diffusers' layout")
    }
    if isFolder.boolValue {
      let inside = path + "/" + CheckpointPart.unet.folder
      let folder = CheckpointFiles.holdsWeights(inside) ? inside : path
      configuration = try CheckpointFiles.configuration(folder, "config.json")
      let found = try WeightFiles(of: .unet, folder: folder, variant: variant)
      (weights, isOriginal) = (found.paths, false)
      files = found.paths + [found.index, folder + "/config.json"].compactMap(\.self)
      notes = found.note.map { [$0] } ?? []
      return
    }
    let file = try OfferedFile.safetensors(path)
    isOriginal = file.names.contains { $0.hasPrefix(CheckpointPart.unet.originalPrefix) }
    guard isOriginal || file.entry("conv_in.weight") != nil else {
      throw ModelKind.insteadOfUNet(file).refusal(path)
    }
    (configuration, weights, files, notes) = (nil, [path], [path], [])
  }

  /// What its files call a UNet's parameters; `nil` where they call them as diffusers does.
  func names(_ configuration: UNetConfiguration) -> OriginalNames? {
    isOriginal ? .unet(configuration) : nil
  }
}
