internal import Foundation

extension RunManifest {
  /// The manifest's bytes: keys sorted, one a line.
  var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
  }

  /// The manifest in a run's folder; `nil` if there is none.
  static func read(in run: Directory) throws -> RunManifest? {
    struct Version: Decodable { let format: Int }
    guard let bytes = try run.read(RunFolder.manifestName) else { return nil }
    let path = run.path(of: RunFolder.manifestName)
    do {
      let version = try JSONDecoder().decode(Version.self, from: Data(bytes))
      guard version.format == currentFormat else {
        throw TraceError.malformed(
          path: path,
          reason: "format \(version.format), expected \(currentFormat): written by another Heed")
      }
      var manifest = try JSONDecoder().decode(RunManifest.self, from: Data(bytes))
      manifest.rng = manifest.rng ?? "torch"
      return manifest
    } catch let error as DecodingError {
      throw TraceError.malformed(path: path, reason: reason(of: error))
    }
  }

  /// The first field, in the order of names, in which two runs differ that are not the same run.
  func difference(
    from wanted: RunManifest
  ) throws -> (field: String, here: String, wanted: String)? {
    func tree(_ manifest: RunManifest) throws -> JSONTree {
      try JSONDecoder().decode(JSONTree.self, from: Data(try manifest.json))
    }
    let passing: Set<String> = ["commandLine", "date", "seconds", "status", "version"]
    guard case .object(let here) = try tree(self), case .object(let there) = try tree(wanted) else {
      return nil
    }
    return JSONTree.object(here.filter { !passing.contains($0.key) }).difference(
      from: .object(there.filter { !passing.contains($0.key) }), at: "")
  }
}

/// A JSON value, to compare what has no type in common.
private indirect enum JSONTree: Decodable, Equatable, CustomStringConvertible {
  case object([String: JSONTree])
  case array([JSONTree])
  /// Anything else, as it is written.
  case leaf(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .leaf("nothing")
    } else if let value = try? container.decode(Bool.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(UInt64.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(Double.self) {
      self = .leaf("\(value)")
    } else if let value = try? container.decode(String.self) {
      self = .leaf("\"\(value)\"")
    } else if let value = try? container.decode([JSONTree].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONTree].self))
    }
  }

  var description: String {
    switch self {
    case .object(let fields): fields.isEmpty ? "nothing" : "\(fields.count) fields"
    case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .leaf(let text): text
    }
  }

  /// The first place where two values differ, and what stands there in each.
  func difference(
    from other: JSONTree, at place: String
  ) -> (field: String, here: String, wanted: String)? {
    if self == other { return nil }
    func inner(_ name: String) -> String { place.isEmpty ? name : place + "." + name }
    switch (self, other) {
    case (.object(let here), .object(let there)):
      for name in Set(here.keys).union(there.keys).sorted() {
        let (left, right) = (here[name] ?? .leaf("nothing"), there[name] ?? .leaf("nothing"))
        if let found = left.difference(from: right, at: inner(name)) { return found }
      }
      return nil
    case (.array(let here), .array(let there)) where here.count == there.count:
      for (index, pair) in zip(here, there).enumerated() {
        if let found = pair.0.difference(from: pair.1, at: inner("\(index)")) { return found }
      }
      return nil
    default:
      return (place, description, other.description)
    }
  }
}
