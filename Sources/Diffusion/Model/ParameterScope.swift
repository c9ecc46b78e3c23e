package import TensorEngine

/// The tensors of one weight file, and which of them a model has asked for.
///
/// Not `Sendable`: a model is built on one thread, and afterwards only its tensors live on.
package final class Parameters {
  let file: SafetensorsFile
  private var used: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [String] = []

  package init(_ file: SafetensorsFile) { self.file = file }

  /// The tensor `name`, or an empty one that ``finish(ignoring:)`` keeps from ever being used.
  func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    let none = Tensor([], shape: [0])
    guard let entry = file.entry(name) else {
      missing.append(name)
      return none
    }
    used.insert(name)
    guard entry.shape == shape else {
      mismatched.append("\(name) \(entry.shape) instead of \(shape)")
      return none
    }
    return try file.tensor(name)
  }

  /// Ends loading: every tensor of the file was asked for, and every one asked for was there.
  ///
  /// - Parameter ignoring: names that hold no parameter, such as `position_ids` of old files.
  /// - Throws: ``DiffusionError/parameters(file:missing:unused:mismatched:)`` with all that is wrong.
  func finish(ignoring: (String) -> Bool = { _ in false }) throws {
    let unused = file.names.filter { !used.contains($0) && !ignoring($0) }
    guard missing.isEmpty, unused.isEmpty, mismatched.isEmpty else {
      throw DiffusionError.parameters(
        file: file.path, missing: missing, unused: unused, mismatched: mismatched)
    }
  }
}

/// A place in a checkpoint: a layer's initialiser asks it for tensors by short name and shape.
package struct ParameterScope {
  let parameters: Parameters
  /// As in the checkpoint, `down_blocks.0.resnets.1`; empty at the root.
  let path: String

  package init(_ parameters: Parameters, path: String = "") {
    self.parameters = parameters
    self.path = path
  }

  subscript(name: String) -> ParameterScope { ParameterScope(parameters, path: full(name)) }
  subscript(index: Int) -> ParameterScope { self[String(index)] }

  func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    try parameters.tensor(full(name), shape)
  }

  /// Whether the file has anything under this place.
  var exists: Bool { parameters.file.names.contains { $0.hasPrefix(path + ".") } }

  private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
