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
          file, configuration: options.configuration, prediction: options.prediction,
          hasVAE: options.vae == nil))
      return
    }
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
    guard isFolder.boolValue else { return path }
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
      if let unfinished = there.first(where: OfferedFile.isUnfinished) {
        throw DiffusionError.wrongFile(
          path: path + "/" + unfinished, what: "a download that has not ended",
          advice: OfferedFile.again)
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

  /// Whether a folder has a part's weights.
  static func holdsWeights(_ folder: String) -> Bool {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder)
    return files?.contains { $0.contains(".safetensors") } ?? false
  }

  /// Whether a file is a checkpoint's; one that is damaged is taken for it, so that it is named.
  private static func holdsUNet(_ path: String) -> Bool {
    guard let file = try? SafetensorsFile(path: path) else { return true }
    return file.names.contains { $0.hasPrefix(CheckpointPart.unet.originalPrefix) }
  }

  /// The folders of parts that `model_index.json` names, that are there, and that are none of the model's.
  static func otherParts(of folder: String, besides parts: [CheckpointPart]) -> [String] {
    guard let index = try? StrictJSON.read(path: folder + "/model_index.json"),
      let keys = try? index.object().keys
    else { return [] }
    let known =
      parts.map(\.folder) + ["tokenizer", "scheduler", "feature_extractor"]
      + (parts.contains(.secondTextEncoder) ? ["tokenizer_2"] : [])
    return keys.filter { key in
      !known.contains(key) && !key.contains("/") && !key.hasPrefix(".")
        && (try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + key)) != nil
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
