internal import Pictures
internal import TensorEngine

/// Draws scenes of one size as an animated PNG: each frame compressed by libpng, its pixels moved into
/// the chunks of an animation.
///
/// Viewers without support for animation show the first frame.
///
/// - Reference: PNG specification, third edition, sections 11.3.7 (`acTL`, `fcTL`, `fdAT`).
package enum APNGBackend {
  /// Writes the frames to the file at `path`, which appears whole or not at all.
  /// - Parameters:
  ///   - scenes: The frames, of one size, at least one.
  ///   - dpi: Pixels an inch.
  ///   - delay: How long a frame is shown, in milliseconds, 1…65535; the last is shown four times as long.
  ///   - path: Where to; a file that is there is replaced.
  /// - Throws: ``FigureError`` if the frames differ in size or cannot be drawn; `FileError` if the file cannot
  ///   be written.
  package static func render(
    _ scenes: [Scene], dpi: Double = 150, delay: Int = 200, to path: String
  ) throws {
    try writeAtomically(data(scenes, dpi: dpi, delay: delay), to: path, throughLinks: true)
  }

  /// The bytes of the file; see ``render(_:dpi:delay:to:)``.
  /// - Throws: ``FigureError`` if the frames differ in size or cannot be drawn.
  package static func data(_ scenes: [Scene], dpi: Double = 150, delay: Int = 200) throws -> [UInt8]
  {
    guard let first = scenes.first else { throw FigureError.inconsistentSheet("no frame to show") }
    guard scenes.allSatisfy({ ($0.width, $0.height) == (first.width, first.height) }) else {
      throw FigureError.inconsistentSheet("the frames of an animation are not of one size")
    }
    var bytes: [UInt8] = []
    var sequence: UInt32 = 0
    for (index, scene) in scenes.enumerated() {
      let file =
        try index == 0
        ? PNGBackend.data(scene, dpi: dpi) : PNGBackend.image(scene, dpi: dpi).encoded()
      let wait = index == scenes.count - 1 ? min(65_535, 4 * delay) : delay
      for chunk in PNGChunk.chunks(of: file) {
        switch chunk.type {
        case "IDAT" where index == 0: bytes += PNGChunk.chunk("IDAT", chunk.content)
        case "IDAT":
          bytes += PNGChunk.chunk("fdAT", PNGChunk.bigEndian(sequence) + chunk.content)
          sequence += 1
        case "IHDR":
          if index == 0 {
            bytes += Array(file.prefix(PNGChunk.endOfHeader))
            bytes += PNGChunk.animation(frames: scenes.count)
          }
          bytes += PNGChunk.frame(sequence, size: chunk.content.prefix(8), delay: wait)
          sequence += 1
        case "IEND": break
        default: if index == 0 { bytes += PNGChunk.chunk(chunk.type, chunk.content) }
        }
      }
    }
    return bytes + PNGChunk.chunk("IEND", [])
  }
}
