internal import TensorEngine

/// What a run needs to resume: the latent, what scheduler and method remember, and how many calls
/// were made.
struct RunState: Sendable {
  let tensors: [String: Tensor]
  let calls: Int
  let seconds: Double

  init(tensors: [String: Tensor], calls: Int, seconds: Double) {
    self.tensors = tensors
    self.calls = calls
    self.seconds = seconds
  }

  /// Reads a state.
  /// - Parameter root: a folder that no symbolic link may lead out of.
  /// - Throws: `FileError` when the file is none.
  init(path: String, within root: String? = nil) throws {
    let file = try SafetensorsFile(path: path, within: root)
    var tensors: [String: Tensor] = [:]
    for name in file.names { tensors[name] = try file.tensor(name) }
    let metadata = Dictionary(
      file.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    guard let calls = metadata["calls"].flatMap({ Int($0) }),
      let seconds = metadata["seconds"].flatMap({ Double($0) }), tensors["latent"] != nil
    else {
      throw FileError(
        .malformed, path: file.path,
        reason: "not the saved state of a run; remove the run's folder to start again")
    }
    self.init(tensors: tensors, calls: calls, seconds: seconds)
  }

  func write(to path: String) throws {
    try SafetensorsWriter.write(
      tensors.sorted { $0.key < $1.key }.map { ($0.key, .float32($0.value)) },
      metadata: ["calls": String(calls), "seconds": String(seconds)], to: path)
  }
}
