import Diffusion
import Foundation
import TensorEngine
import Testing

/// The two layouts' names side by side, as diffusers' converters have them.
struct NameTable {
  /// A parameter, or a tensor that is left out.
  struct Row {
    let original: String
    /// The part's folder in diffusers' layout; `nil` for a tensor that is left out.
    let part: String?
    let ours: String
    let third: Int?
  }

  let rows: [Row]

  init(_ name: String) throws {
    let path = TemporaryCheckpoint.fixtures + "/original-names/\(name).tsv"
    rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Row(
        original: columns[0], part: columns[1].isEmpty ? nil : columns[1], ours: columns[2],
        third: Int(columns[3]))
    }
  }
}

/// A copy of a fixture whose weights are one file in the original layout, beside the configurations.
final class SingleFileCheckpoint {
  typealias Tensors = [(name: String, payload: SafetensorsWriter.Payload)]

  let copy: TemporaryCheckpoint
  var path: String { copy.path + "/model.safetensors" }

  /// - Parameter edit: changes the file's tensors before they are written.
  init(of name: String, edit: (inout Tensors) throws -> Void = { _ in }) throws {
    copy = try TemporaryCheckpoint(of: name)
    var tensors = try Self.tensors(of: name)
    try edit(&tensors)
    for part in ["unet", "vae", "text_encoder"] {
      for file in try FileManager.default.contentsOfDirectory(atPath: copy.path + "/" + part)
      where file.hasSuffix(".safetensors") {
        try copy.remove(part + "/" + file)
      }
    }
    try copy.remove("model_index.json")
    try SafetensorsWriter.write(tensors, to: path)
  }

  /// Opens a file of these tensors that lies by itself, or beside a YAML file.
  static func open(
    _ tensors: Tensors, yaml: String? = nil, metadata: [String: String] = [:],
    _ options: CheckpointOptions = .init()
  ) throws -> Checkpoint {
    let folder = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/model.safetensors"
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    if let yaml { try Data(yaml.utf8).write(to: URL(fileURLWithPath: folder + "/model.yaml")) }
    return try Checkpoint(path, options)
  }

  /// Every tensor of a fixture under its original name: queries, keys and values joined, 1×1
  /// convolutions as kernels, and for what is left out some numbers of the right shape.
  static func tensors(of name: String) throws -> Tensors {
    let folder = TemporaryCheckpoint.fixtures + "/" + name
    let files = try [
      "unet": TemporaryCheckpoint.unet, "vae": TemporaryCheckpoint.vae,
      "text_encoder": TemporaryCheckpoint.text,
    ].mapValues { try SafetensorsFile(path: folder + "/" + $0) }
    var order: [String] = []
    var tensors: [String: [Tensor]] = [:]
    for row in try NameTable(name).rows {
      if tensors[row.original] == nil { order.append(row.original) }
      guard let part = row.part, let file = files[part] else { continue }
      let ours = file.entry(row.ours) == nil ? "text_model." + row.ours : row.ours
      var tensor = try file.tensor(ours)
      if row.original.contains(".attn_1."), tensor.rank == 2 {
        tensor = tensor.reshaped(tensor.shape + [1, 1])
      }
      tensors[row.original, default: []].append(tensor)
    }
    return order.map { name in
      // The block that SD 2.x leaves out is as large as the one before it.
      let like = name.replacingOccurrences(of: "resblocks.3.", with: "resblocks.2.")
      let parts = tensors[name] ?? (tensors[like] ?? []).map { .full(0.5, shape: $0.shape) }
      return (name, .float32(.concatenated(parts, axis: 0)))
    }
  }
}

/// What an attempt says.
func message(of attempt: () throws -> Void) -> String {
  do {
    try attempt()
    return "no error"
  } catch let error as DiffusionError {
    return error.description
  } catch let error as FileError {
    return error.description
  } catch {
    return "another error: \(error)"
  }
}

/// What is out of tolerance of the golden tensors that `chosen` names, a line each.
func failures(
  _ checkpoint: Checkpoint, chosen: (String) -> Bool = { _ in true }
) throws -> [String] {
  var verification = try CheckpointVerification(checkpoint)
  return try verification.names.filter(chosen).compactMap { name in
    let line = try verification.verify(name)
    guard line.outcome == .failed || line.outcome == .unknown else { return nil }
    return "\(name): \(line.outcome.rawValue), \(line.error), \(line.relativeError)"
  }
}
