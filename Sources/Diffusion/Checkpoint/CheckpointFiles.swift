private import Foundation
internal import TensorEngine

/// Where a checkpoint's files are, in either of the layouts that Heed reads.
enum CheckpointFiles: Sendable {
  /// diffusers' folder.
  case folder
  /// One file of the original layout.
  case file(SingleFile)

  /// Finds out what is at `path`.
  ///
  /// - Throws: ``DiffusionError`` when nothing Heed runs is there, `FileError` when it is damaged.
  init(_ path: String, _ options: CheckpointOptions) throws {
    if let file = try Self.singleFile(at: path) {
      self = .file(
        try SingleFile(
          file, configuration: options.configuration, prediction: options.prediction))
      return
    }
    try Self.requireModelIndex(path)
    if let configuration = options.configuration {
      throw DiffusionError.invalidRequest(
        what: "the configuration", got: configuration,
        expected: "none: \(path) is in diffusers' layout and has its own")
    }
    self = .folder
  }

  /// The file of all parts at `path` or in that folder; `nil` for diffusers' layout.
  static func singleFile(at path: String) throws -> String? {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw DiffusionError.missingFile(
        path: path,
        what: "there is no such model; give a folder in diffusers' layout or a safetensors file")
    }
    guard isFolder.boolValue else {
      if PickledFile.isOne(path) { throw PickledFile.refusal(path) }
      return path
    }
    let there = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    // A repository can hold both layouts: the folder is then in diffusers'.
    if holdsWeights(path + "/" + CheckpointPart.unet.folder) { return nil }
    let files = there.filter { $0.hasSuffix(".safetensors") && $0 != "golden.safetensors" }
    // Beside a checkpoint may lie LoRAs for it.
    let whole = files.count > 1 ? files.filter { holdsUNet(path + "/" + $0) } : files
    guard let file = whole.first ?? files.first else {
      if let pickle = there.first(where: PickledFile.isOne), !there.contains("model_index.json") {
        throw PickledFile.refusal(path + "/" + pickle)
      }
      return nil
    }
    guard whole.count == 1 else {
      throw DiffusionError.notRunnable(
        path: path, what: "a folder of \(files.count) safetensors files",
        advice: "give the path of one: " + files.joined(separator: ", "))
    }
    return path + "/" + file
  }

  private static func holdsWeights(_ folder: String) -> Bool {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder)
    return files?.contains { $0.contains(".safetensors") } ?? false
  }

  /// Whether a file is a checkpoint's; one that is damaged is taken for it, so that it is named.
  private static func holdsUNet(_ path: String) -> Bool {
    guard let file = try? SafetensorsFile(path: path) else { return true }
    return file.names.contains { $0.hasPrefix(CheckpointPart.unet.originalPrefix) }
  }

  /// Refuses folders that are not Stable Diffusion checkpoints.
  private static func requireModelIndex(_ path: String) throws {
    let file = path + "/model_index.json"
    let part = path + "/config.json"
    if !FileManager.default.fileExists(atPath: file),
      FileManager.default.fileExists(atPath: part),
      let name = try StrictJSON.read(path: part).optionalMember("_class_name")?.string()
    {
      try ModelKind.requireRunnable(className: name, path: part)
    }
    let index = try configuration(path, "model_index.json")
    if let name = try index.optionalMember("_class_name")?.string() {
      try ModelKind.requireRunnable(className: name, path: index.file)
    }
  }

  /// A configuration of diffusers' layout.
  static func configuration(_ folder: String, _ name: String) throws -> JSONNode {
    let path = folder + "/" + name
    guard FileManager.default.fileExists(atPath: path) else {
      throw DiffusionError.missingFile(
        path: path, what: "a checkpoint in diffusers' layout has this file")
    }
    return try StrictJSON.read(path: path)
  }
}
