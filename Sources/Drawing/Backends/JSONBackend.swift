internal import TensorEngine

/// Writes scenes as JSON: shapes, colours and words, each where it lies on the page.
package enum JSONBackend {
  /// Writes `scene` to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  package static func render(_ scene: Scene, to path: String) throws {
    try writeAtomically(Array(scene.json.utf8), to: path, throughLinks: true)
  }
}
