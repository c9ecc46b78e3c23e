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
  package func difference(
    from wanted: RunManifest
  ) throws -> (field: String, here: String, wanted: String)? {
    func tree(_ manifest: RunManifest) throws -> JSONTree {
      try JSONDecoder().decode(JSONTree.self, from: Data(try manifest.json))
    }
    let passing: Set<String> = ["commandLine", "date", "passes", "seconds", "status", "version"]
    guard case .object(let here) = try tree(self), case .object(let there) = try tree(wanted) else {
      return nil
    }
    return JSONTree.object(here.filter { !passing.contains($0.key) }).difference(
      from: .object(there.filter { !passing.contains($0.key) }), at: "")
  }
}
