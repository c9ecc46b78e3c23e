public import AttentionTrace

/// What is wrong with a checkpoint, a request or a run.
public enum DiffusionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file that the checkpoint's folder must hold is missing.
  case missingFile(path: String, what: String)
  /// A weight file lacks tensors, has others, or has them in another shape.
  case parameters(file: String, missing: [String], unused: [String], mismatched: [String])
  /// A configuration asks for what Heed does not compute.
  case unsupported(path: String, key: String, value: String, supported: String)
  /// A file or a folder of a kind that Heed recognises but does not run, and what that would need.
  case notRunnable(path: String, what: String, advice: String)
  /// A file that is not what it was given as: what it is, and what to do with it.
  case wrongFile(path: String, what: String, advice: String)
  /// A layer's output is infinite or not a number; step and phase are `nil` outside the UNet.
  case notFinite(layer: String, step: Int?, phase: Phase?)
  /// A size, a count or a number that is not possible.
  case invalidRequest(what: String, got: String, expected: String)
  /// A knob of a method, or an option of a request, has an invalid value; the reason follows its name.
  case knob(name: String, reason: String)
  /// A file that a run read is not where it was, or another one is in its place.
  case moved(what: String, sha256: String, path: String)
  /// The objective's grid has no attention of a kind in this checkpoint at this size.
  case noSites(kind: AttentionSite.Kind = .cross, grid: Grid, available: [Grid])

  /// One line: what, where, expected, got, and what to do.
  public var description: String {
    switch self {
    case .missingFile(let path, let what): "\(path): not found; \(what)"
    case .parameters(let file, let missing, let unused, let mismatched):
      "\(file): \(missing.count) missing, \(unused.count) unused, "
        + "\(mismatched.count) of another shape"
        + Self.list("missing", missing) + Self.list("unused", unused)
        + Self.list("shape", mismatched)
    case .unsupported(let path, let key, let value, let supported):
      "\(path): \(key) is \(value); Heed runs \(supported)"
    case .notRunnable(let path, let what, let advice), .wrongFile(let path, let what, let advice):
      "\(path): \(what); \(advice)"
    case .notFinite(let layer, let step, let phase):
      "\(layer): output is not finite" + (step.map { " at step \($0)" } ?? "")
        + (phase.map { " (\($0.rawValue) pass)" } ?? "")
        + "; a weight or an input of this layer is NaN or infinite"
    case .invalidRequest(let what, let got, let expected): "\(what) is \(got); expected \(expected)"
    case .knob(let name, let reason): "\(name) \(reason)"
    case .moved(let what, let sha256, let path):
      "\(what) (SHA-256 \(sha256.prefix(12))…) is no longer at \(path); give its present path"
    case .noSites(let kind, let grid, let available):
      "no \(kind.rawValue)-attention at \(grid) in this checkpoint at this size; there is "
        + available.map(\.description).joined(separator: ", ")
    }
  }

  /// Throws ``invalidRequest(what:got:expected:)`` unless `holds`.
  static func require(
    _ holds: Bool, _ what: String, _ got: String, _ expected: String
  ) throws {
    guard holds else {
      throw DiffusionError.invalidRequest(what: what, got: got, expected: expected)
    }
  }

  private static func list(_ title: String, _ names: [String]) -> String {
    guard !names.isEmpty else { return "" }
    let more = names.count > 8 ? " and \(names.count - 8) more" : ""
    return "; \(title): " + names.prefix(8).joined(separator: ", ") + more
  }
}
