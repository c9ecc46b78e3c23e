package import TensorEngine

/// The tensors of one part's weight files, and which of them a model has asked for.
///
/// Not `Sendable`: a model is built on one thread, and afterwards only its tensors live on.
package final class Parameters {
  /// Every tensor's name.
  let names: [String]
  private let files: [SafetensorsFile]
  private var random: RandomWeights?
  private let fileOfName: [String: Int]
  private var used: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [String] = []

  /// Reads the names of all `files`.
  /// - Throws: `FileError` when two of them hold a tensor of one name.
  package init(_ files: [SafetensorsFile]) throws {
    self.files = files
    names = files.flatMap(\.names)
    var fileOfName: [String: Int] = [:]
    for (index, file) in files.enumerated() {
      for name in file.names {
        if let other = fileOfName.updateValue(index, forKey: name) {
          throw FileError(
            .malformed, path: file.path, subject: FileError.printable(name),
            reason: "the tensor is in \(files[other].path), too")
        }
      }
    }
    self.fileOfName = fileOfName
  }

  /// Draws whatever tensor is asked for.
  init(drawing random: RandomWeights) {
    (files, names, fileOfName) = ([], [], [:])
    self.random = random
  }

  /// The tensor `name`, or an empty one that ``finish(ignoring:)`` keeps from ever being used.
  func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    if let random { return random.tensor(name, shape) }
    let none = Tensor([], shape: [0])
    guard let file = fileOfName[name].map({ files[$0] }), let entry = file.entry(name) else {
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

  /// The weight `name` as its file keeps it; see ``tensor(_:_:)``.
  func weight(_ name: String, _ shape: [Int]) throws -> Weight {
    if let random { return random.weight(name, shape) }
    guard let file = fileOfName[name].map({ files[$0] }), file.entry(name)?.shape == shape else {
      return Weight(try tensor(name, shape))
    }
    used.insert(name)
    return try file.weight(name)
  }

  /// Ends loading: every tensor of the file was asked for, and every one asked for was there.
  ///
  /// - Parameter ignoring: names that hold no parameter, such as `position_ids` of old files.
  /// - Throws: ``DiffusionError/parameters(file:missing:unused:mismatched:)`` with all that is wrong.
  func finish(ignoring: (String) -> Bool = { _ in false }) throws {
    let unused = names.filter { !used.contains($0) && !ignoring($0) }
    guard missing.isEmpty, unused.isEmpty, mismatched.isEmpty else {
      throw DiffusionError.parameters(
        file: files.map(\.path).joined(separator: ", "), missing: missing, unused: unused,
        mismatched: mismatched)
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

  /// The layer's matrix or kernels.
  func weight(_ shape: [Int]) throws -> Weight {
    try parameters.weight(full("weight"), shape)
  }

  /// Whether the file has anything under this place.
  var exists: Bool { parameters.names.contains { $0.hasPrefix(path + ".") } }

  private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
