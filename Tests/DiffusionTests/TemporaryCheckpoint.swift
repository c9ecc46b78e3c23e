import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine

/// A copy of a fixture's checkpoint that a test may damage; gone when the test is over.
final class TemporaryCheckpoint {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

  static let unet = "unet/diffusion_pytorch_model.safetensors"
  static let vae = "vae/diffusion_pytorch_model.safetensors"
  static let text = "text_encoder/model.safetensors"

  let path: String

  /// Links to every file of the fixture `name`, each of which is replaced when it is edited.
  init(of name: String = "tiny-sd1") throws {
    let source = Self.fixtures + "/" + name
    path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    for file in try FileManager.default.subpathsOfDirectory(atPath: source) {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: source + "/" + file, isDirectory: &isFolder)
      if isFolder.boolValue { continue }
      let target = URL(fileURLWithPath: path + "/" + file)
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: target.path, withDestinationPath: source + "/" + file)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func remove(_ file: String) throws {
    try FileManager.default.removeItem(atPath: path + "/" + file)
  }

  func read(_ file: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + file)))
  }

  func write(_ bytes: some Sequence<UInt8>, to file: String) throws {
    try? FileManager.default.removeItem(atPath: path + "/" + file)
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + file))
  }

  /// Sets a key of a configuration to a value written in JSON; `nil` removes the key.
  func set(_ key: String, _ value: String?, in file: String) throws {
    let object = try JSONSerialization.jsonObject(with: Data(try read(file)))
    var members = object as? [String: Any] ?? [:]
    members[key] = nil
    var text = String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    if let value { text = String(text.dropLast()) + ", \"\(key)\": \(value)}" }
    try write(Array(text.utf8), to: file)
  }

  /// Writes a weight file again, as `edit` would have its tensors.
  func rewrite(
    _ file: String,
    _ edit: (inout [(name: String, payload: SafetensorsWriter.Payload)]) throws -> Void
  ) throws {
    let source = try SafetensorsFile(path: path + "/" + file)
    var tensors = try source.names.map { name in
      (name: name, payload: SafetensorsWriter.Payload.float32(try source.tensor(name)))
    }
    try edit(&tensors)
    try? FileManager.default.removeItem(atPath: path + "/" + file)
    try SafetensorsWriter.write(tensors, to: path + "/" + file)
  }

  /// Sets the first number of a tensor.
  func set(_ value: Float, at name: String, in file: String) throws {
    try rewrite(file) { tensors in
      for index in tensors.indices where tensors[index].name == name {
        guard let tensor = tensors[index].payload.tensor else { continue }
        var values = tensor.values
        values[0] = value
        tensors[index].payload = .float32(Tensor(values, shape: tensor.shape))
      }
    }
  }
}

/// The parts of a fixture's checkpoint, and what its runs are made of.
struct LoadedCheckpoint {
  let checkpoint: Checkpoint
  let encoders: TextEncoders
  let unet: UNet

  init(_ name: String) throws { try self.init(path: TemporaryCheckpoint.fixtures + "/" + name) }

  init(path: String) throws {
    checkpoint = try Checkpoint(path)
    encoders = try checkpoint.makeTextEncoders()
    unet = try checkpoint.makeUNet()
  }

  func embedding(_ prompt: String) throws -> PromptEmbedding {
    try encoders.embedding(of: encoders.tokenizer.encode(prompt))
  }

  func scheduler(_ kind: SchedulerKind? = nil, steps: Int) throws -> any Scheduler {
    try checkpoint.schedulerConfiguration(kind ?? checkpoint.schedulerKind())
      .scheduler(steps: steps)
  }

  func noise(_ seed: UInt64, rows: Int = 16, columns: Int = 16) -> Tensor {
    var source = TorchRandomSource(seed: seed)
    return source.normal(shape: [1, 4, rows, columns])
  }
}
