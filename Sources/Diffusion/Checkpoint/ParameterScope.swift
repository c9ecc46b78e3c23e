package import TensorEngine

/// A place in a checkpoint: a layer's initialiser asks it for tensors by short name and shape.
package struct ParameterScope {
  let parameters: Parameters
  /// As in the checkpoint, `down_blocks.0.resnets.1`; empty at the root.
  package let path: String

  package init(_ parameters: Parameters, path: String = "") {
    self.parameters = parameters
    self.path = path
  }

  package subscript(name: String) -> ParameterScope { ParameterScope(parameters, path: full(name)) }
  package subscript(index: Int) -> ParameterScope { self[String(index)] }

  package func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    try parameters.tensor(full(name), shape)
  }

  /// The layer's matrix or kernels.
  package func weight(_ shape: [Int]) throws -> Weight {
    try parameters.weight(full("weight"), shape)
  }

  /// Whether the file has anything under this place.
  package var exists: Bool { parameters.names.contains { $0.hasPrefix(path + ".") } }

  /// Whether the file has a tensor of this name here.
  package func has(_ name: String) -> Bool { parameters.has(full(name)) }

  private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
