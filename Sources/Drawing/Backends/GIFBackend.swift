internal import Pictures
internal import TensorEngine

/// Writes an animation as a GIF, for programs that show no other moving picture.
package enum GIFBackend {
  /// Writes the animation to the file at `path`, which appears whole or not at all; a file that is there is
  /// replaced.
  /// - Throws: ``FigureError`` if a frame cannot be drawn; `FileError` if the file cannot be written.
  package static func render(_ animation: Animation, to path: String) throws {
    try writeAtomically(data(animation), to: path, throughLinks: true)
  }

  /// The bytes of the file, with the recipe as a comment.
  /// - Throws: ``FigureError`` if a frame cannot be drawn; `FileError` if giflib gives up.
  package static func data(_ animation: Animation) throws -> [UInt8] {
    let metadata = animation.first.metadata
    return try AnimatedGIF.encoded(
      delays: animation.delays,
      comment: [metadata.software, metadata.manifest].filter { !$0.isEmpty }
        .joined(separator: "\n"),
      frame: animation.frame(at:))
  }
}
