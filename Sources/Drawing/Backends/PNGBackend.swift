internal import CCairo
package import Pictures
internal import TensorEngine

/// Draws scenes as PNG with their resolution and provenance; the same scene gives the same bytes.
package enum PNGBackend {
  /// Pixels an inch for print, unless a user asks for others.
  package static let dpi = 300.0
  /// The longest side that is drawn, in pixels; Cairo's own limit.
  static let sideLimit = 32_767

  /// Writes `scene` to the file at `path`, which appears whole or not at all.
  /// - Parameters:
  ///   - scene: The figure.
  ///   - dpi: Pixels an inch.
  ///   - path: Where to; a file that is there is replaced.
  /// - Throws: ``FigureError`` if the raster is too large or a font is missing; `FileError` if the file cannot
  ///   be written.
  package static func render(_ scene: Scene, dpi: Double = Self.dpi, to path: String) throws {
    try writeAtomically(data(scene, dpi: dpi), to: path, throughLinks: true)
  }

  /// The bytes of a PNG file: sRGB, `pHYs`, and in `iTXt` what the file says of itself.
  /// - Throws: ``FigureError`` if the raster is too large or a font is missing.
  package static func data(_ scene: Scene, dpi: Double = Self.dpi) throws -> [UInt8] {
    try image(scene, dpi: dpi).encoded(dpi: dpi, text: text(of: scene))
  }

  /// Title and description for people, the software, and the recipe for programs, under the keywords of the
  /// PNG specification and `heed:manifest`.
  package static func text(of scene: Scene) -> [(keyword: String, text: String)] {
    [
      (keyword: "Title", text: scene.metadata.title),
      (keyword: "Description", text: scene.description),
      (keyword: "Software", text: scene.metadata.software),
      (keyword: "heed:manifest", text: scene.metadata.manifest),
    ].filter { !$0.text.isEmpty }
  }

  /// The pixels of `scene` on its paper at `dpi` pixels an inch.
  /// - Parameters:
  ///   - scene: the figure.
  ///   - dpi: pixels an inch.
  ///   - hasEvenSides: whether paper is added at the right and the bottom where a side is odd.
  /// - Throws: ``FigureError`` if the raster is too large or a font is missing.
  package static func image(
    _ scene: Scene, dpi: Double = Self.dpi, hasEvenSides: Bool = false
  ) throws -> Picture {
    let scale = dpi / 72
    var (wide, high) = ((scene.width * scale).rounded(), (scene.height * scale).rounded())
    if hasEvenSides { (wide, high) = (2 * (wide / 2).rounded(.up), 2 * (high / 2).rounded(.up)) }
    guard wide >= 1, high >= 1, max(wide, high) <= Double(sideLimit) else {
      throw FigureError.tooLarge(
        width: Int(max(0, min(1e15, wide))), height: Int(max(0, min(1e15, high))),
        limit: sideLimit)
    }
    let (width, height) = (Int(wide), Int(high))
    let typesetter = try Typesetter(scene.typeface)
    // Canvas and surface live until the pixels are copied.
    let surface = unsafe cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
    guard let surface = unsafe surface, let canvas = unsafe cairo_create(surface) else {
      throw FigureError.drawing("cairo failed to make a raster")
    }
    defer {
      unsafe cairo_destroy(canvas)
      unsafe cairo_surface_destroy(surface)
    }
    let painter = unsafe CairoPainter(canvas: canvas, typesetter: typesetter, pixelsPerPoint: scale)
    painter.fill(scene.paper)
    unsafe cairo_scale(canvas, scale, scale)
    painter.draw(scene.nodes)
    unsafe cairo_surface_flush(surface)
    let status = unsafe cairo_status(canvas)
    guard status == CAIRO_STATUS_SUCCESS, let data = unsafe cairo_image_surface_get_data(surface)
    else {
      throw FigureError.drawing(unsafe "cairo: \(String(cString: cairo_status_to_string(status)))")
    }
    let stride = unsafe Int(cairo_image_surface_get_stride(surface))
    return unsafe Picture(
      width: width, height: height,
      pixels: samples(data, stride: stride, width: width, height: height))
  }

  private static func samples(
    _ data: UnsafeMutablePointer<UInt8>, stride: Int, width: Int, height: Int
  ) -> [UInt8] {
    // Every sample is written once, from a surface of `height` rows of `stride` bytes.
    unsafe [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      for row in 0..<height {
        let line = unsafe UnsafeRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
        for column in 0..<width {
          let pixel = unsafe line[column]
          let start = (row * width + column) * 3
          unsafe buffer[start] = UInt8(truncatingIfNeeded: pixel >> 16)
          unsafe buffer[start + 1] = UInt8(truncatingIfNeeded: pixel >> 8)
          unsafe buffer[start + 2] = UInt8(truncatingIfNeeded: pixel)
        }
      }
      count = width * height * 3
    }
  }
}
