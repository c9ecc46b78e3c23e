internal import CCairo
internal import TensorEngine

/// Draws scenes as PDF: vector, fonts embedded as TrueType or Type 1, the same bytes every time.
///
/// Cairo draws the pages, and ``PDFCompletion`` puts right what it leaves out.
package enum PDFBackend {
  /// Writes `scene` to the file at `path`, as one page; see ``render(_:to:)-([Scene],_)``.
  /// - Throws: ``FigureError`` if the date is not one or a font is missing; `FileError` if the file cannot be
  ///   written.
  package static func render(_ scene: Scene, to path: String) throws {
    try render([scene], to: path)
  }

  /// Writes a page for each of `scenes` to the file at `path`, which appears whole or not at all.
  /// - Throws: ``FigureError`` if the date is not one or a font is missing; `FileError` if the file cannot be
  ///   written.
  package static func render(_ scenes: [Scene], to path: String) throws {
    try writeAtomically(data(scenes), to: path, throughLinks: true)
  }

  /// The bytes of a PDF file with one page.
  /// - Throws: ``FigureError`` if the date is not one or a font is missing.
  package static func data(_ scene: Scene) throws -> [UInt8] { try data([scene]) }

  /// The bytes of a PDF file with a page for each of `scenes`, each of its own size, and the metadata of
  /// the first.
  /// - Throws: ``FigureError`` if there is no scene, the date is not one or a font is missing.
  package static func data(_ scenes: [Scene]) throws -> [UInt8] {
    guard let scene = scenes.first else { throw FigureError.inconsistentSheet("no page to draw") }
    guard isDate(scene.metadata.date) else { throw FigureError.invalidDate(scene.metadata.date) }
    let typesetter = try Typesetter(scene.typeface)
    // Cairo writes to the sink, and canvas and surface are used, until the surface is finished below.
    let sink = ByteSink()
    let surface = unsafe cairo_pdf_surface_create_for_stream(
      ByteSink.write, Unmanaged.passUnretained(sink).toOpaque(), scene.width, scene.height)
    guard let surface = unsafe surface, let canvas = unsafe cairo_create(surface) else {
      throw FigureError.drawing("cairo failed to make a PDF")
    }
    defer {
      unsafe cairo_destroy(canvas)
      unsafe cairo_surface_destroy(surface)
    }
    unsafe describe(scene.metadata, on: surface)
    let painter = unsafe CairoPainter(canvas: canvas, typesetter: typesetter, pixelsPerPoint: nil)
    for scene in scenes {
      unsafe cairo_pdf_surface_set_size(surface, scene.width, scene.height)
      // Paper is white by itself.
      if scene.paper != .white { painter.fill(scene.paper) }
      painter.draw(scene.nodes)
      unsafe cairo_show_page(canvas)
    }
    unsafe cairo_surface_finish(surface)
    for status in unsafe [cairo_status(canvas), cairo_surface_status(surface)]
    where status != CAIRO_STATUS_SUCCESS {
      throw FigureError.drawing(unsafe "cairo: \(String(cString: cairo_status_to_string(status)))")
    }
    return try PDFCompletion.completed(
      sink.bytes, metadata: scene.metadata, description: scene.description)
  }

  private static func describe(_ metadata: Scene.Metadata, on surface: OpaquePointer) {
    // Cairo would stamp the clock's time if it were given none.
    for (field, text) in [
      (CAIRO_PDF_METADATA_TITLE, metadata.title),
      (CAIRO_PDF_METADATA_CREATOR, metadata.software),
      (CAIRO_PDF_METADATA_CREATE_DATE, metadata.date),
      (CAIRO_PDF_METADATA_MOD_DATE, metadata.date),
    ] where !text.isEmpty {
      unsafe cairo_pdf_surface_set_metadata(surface, field, text)
    }
  }

  /// Whether `text` has the form `2026-11-24T10:30:00Z`.
  private static func isDate(_ text: String) -> Bool {
    let form = Array("0000-00-00T00:00:00Z".utf8)
    let bytes = Array(text.utf8)
    return bytes.count == form.count
      && zip(bytes, form).allSatisfy { $1 == 0x30 ? (0x30...0x39).contains($0) : $0 == $1 }
  }
}

/// Collects what Cairo writes.
private final class ByteSink {
  package var bytes: [UInt8] = []

  /// `data` holds `count` bytes, and `sink` is the one that the surface was made with.
  package static let write: cairo_write_func_t = { sink, data, count in
    guard let sink = unsafe sink, let data = unsafe data else { return CAIRO_STATUS_WRITE_ERROR }
    unsafe Unmanaged<ByteSink>.fromOpaque(sink).takeUnretainedValue()
      .bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
    return CAIRO_STATUS_SUCCESS
  }
}
