internal import Pictures
internal import TensorEngine

/// Writes an animation as an animated PNG: each frame compressed by libpng, its pixels moved into the
/// chunks of an animation.
///
/// Viewers without support for animation show the first frame. What the file says of itself stands before
/// the first frame's control chunk, where every reader looks for it.
///
/// - Reference: PNG specification, third edition, sections 5.6 and 11.3.7 (`acTL`, `fcTL`, `fdAT`).
package enum APNGBackend {
  /// Writes the animation to the file at `path`, which appears whole or not at all; a file that is there is
  /// replaced.
  /// - Throws: ``FigureError`` if a frame cannot be drawn; `FileError` if the file cannot be written.
  package static func render(_ animation: Animation, to path: String) throws {
    try writeAtomically(data(animation), to: path, throughLinks: true)
  }

  /// The bytes of the file.
  /// - Throws: ``FigureError`` if a frame cannot be drawn.
  package static func data(_ animation: Animation) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var sequence: UInt32 = 0
    for (index, delay) in animation.delays.enumerated() {
      let picture = try animation.frame(at: index)
      let file =
        try index == 0
        ? picture.encoded(dpi: animation.dpi, text: PNGBackend.text(of: animation.first))
        : picture.encoded()
      var chunks = PNGChunk.chunks(of: file)[...]
      let pixels = chunks.drop { $0.type != "IDAT" }
      chunks = chunks.prefix(upTo: pixels.startIndex)
      if index == 0 {
        bytes += file.prefix(PNGChunk.endOfHeader)
        for chunk in chunks where chunk.type != "IHDR" {
          bytes += PNGChunk.chunk(chunk.type, chunk.content)
        }
        bytes += PNGChunk.animation(frames: animation.count)
      }
      bytes += PNGChunk.frame(
        sequence, width: picture.width, height: picture.height, delay: delay)
      sequence += 1
      for chunk in pixels where chunk.type == "IDAT" {
        if index == 0 {
          bytes += PNGChunk.chunk("IDAT", chunk.content)
        } else {
          bytes += PNGChunk.chunk("fdAT", PNGChunk.bigEndian(sequence) + chunk.content)
          sequence += 1
        }
      }
    }
    return bytes + PNGChunk.chunk("IEND", [])
  }
}
