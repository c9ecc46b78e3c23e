internal import TensorEngine

/// The tensors of one weight file, and which of them a model has asked for.
///
/// Not `Sendable`: a model is built on one thread, and afterwards only its tensors live on.
final class Parameters {
  let file: SafetensorsFile
  private var used: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [String] = []
  /// Floats of stand-ins made so far.
  private var standIns = 0
  /// The most floats of stand-ins: beyond, a configuration is not the weights' own.
  private static let mostStandIns = 1 << 26

  init(_ file: SafetensorsFile) { self.file = file }

  func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    guard let entry = file.entry(name) else {
      missing.append(name)
      return try standIn(shape)
    }
    used.insert(name)
    guard entry.shape == shape else {
      mismatched.append("\(name) \(entry.shape) instead of \(shape)")
      return try standIn(shape)
    }
    return try file.tensor(name)
  }

  /// Zeros in place of a tensor, so that loading goes on and lists all that is wrong.
  /// - Throws: what is wrong so far, where the shape is beyond any memory.
  private func standIn(_ shape: [Int]) throws -> Tensor {
    let count = shape.reduce(1) { count, side in
      let product = count.multipliedReportingOverflow(by: side)
      return product.overflow ? Int.max : product.partialValue
    }
    guard count <= Self.mostStandIns - standIns else { throw failure(unused: []) }
    standIns += count
    return .full(0, shape: shape)
  }

  private func failure(unused: [String]) -> DiffusionError {
    .parameters(file: file.path, missing: missing, unused: unused, mismatched: mismatched)
  }

  /// Ends loading: every tensor of the file was asked for, and every one asked for was there.
  ///
  /// - Parameter ignoring: names that hold no parameter, such as `position_ids` of old files.
  /// - Throws: ``DiffusionError/parameters(file:missing:unused:mismatched:)`` with all that is wrong.
  func finish(ignoring: (String) -> Bool = { _ in false }) throws {
    let unused = file.names.filter { !used.contains($0) && !ignoring($0) }
    guard missing.isEmpty, unused.isEmpty, mismatched.isEmpty else {
      throw failure(unused: unused)
    }
  }
}

/// A place in a checkpoint: a layer's initialiser asks it for tensors by short name and shape.
struct ParameterScope {
  let parameters: Parameters
  /// As in the checkpoint, `down_blocks.0.resnets.1`; empty at the root.
  let path: String

  init(_ parameters: Parameters, path: String = "") {
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
