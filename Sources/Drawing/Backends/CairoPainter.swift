internal import CCairo
internal import Pictures

/// Draws a scene's nodes on a Cairo canvas whose unit is the point.
///
/// Whoever makes a painter keeps the canvas alive as long as it draws; that is what makes the calls of
/// Cairo here safe.
@safe struct CairoPainter {
  package let canvas: OpaquePointer
  package let typesetter: Typesetter
  /// Device pixels a point on a raster; `nil` on paper.
  let pixelsPerPoint: Double?

  /// Fills the whole canvas.
  package func fill(_ color: Color) {
    use(color)
    unsafe cairo_paint(canvas)
  }

  package func draw(_ nodes: [Scene.Node]) {
    for node in nodes {
      switch node {
      case .group(_, let members): draw(members)
      case .rectangle(let rect, let fill, let stroke):
        unsafe cairo_rectangle(canvas, rect.x, rect.y, rect.width, rect.height)
        paint(fill, stroke)
      case .path(let points, let closed, let fill, let stroke):
        trace(points, closed: closed)
        paint(fill, stroke)
      case .image(let image, let rect): draw(image, in: rect)
      case .cells(let cells): draw(cells)
      case .gradient(let colors, let rect):
        draw(
          Picture(
            width: colors.count, height: 1, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] }),
          in: rect)
      case .text(let text): draw(text)
      }
    }
  }

  private func use(_ color: Color) {
    unsafe cairo_set_source_rgb(
      canvas, Double(color.red) / 255, Double(color.green) / 255, Double(color.blue) / 255)
  }

  private func trace(_ points: [Scene.Point], closed: Bool) {
    unsafe cairo_new_path(canvas)
    for point in points { unsafe cairo_line_to(canvas, point.x, point.y) }
    if closed { unsafe cairo_close_path(canvas) }
  }

  private func paint(_ fill: Color?, _ stroke: Scene.Stroke?) {
    if let fill {
      use(fill)
      unsafe cairo_fill_preserve(canvas)
    }
    if let stroke {
      use(stroke.color)
      unsafe cairo_set_line_width(canvas, stroke.width)
      unsafe cairo_set_line_cap(canvas, CAIRO_LINE_CAP_BUTT)
      unsafe cairo_set_line_join(canvas, CAIRO_LINE_JOIN_ROUND)
      unsafe cairo_set_dash(canvas, stroke.dash, Int32(stroke.dash.count), 0)
      unsafe cairo_stroke_preserve(canvas)
    }
    unsafe cairo_new_path(canvas)
  }

  private func draw(_ cells: Scene.Cells) {
    for (index, color) in cells.colors.enumerated() {
      guard let color else { continue }
      let square = cells.square(at: index)
      use(color)
      unsafe cairo_rectangle(canvas, square.x, square.y, square.width, square.height)
      unsafe cairo_fill(canvas)
    }
  }

  private func draw(_ text: Scene.Text) {
    unsafe cairo_save(canvas)
    use(text.color)
    unsafe cairo_translate(canvas, text.origin.x, text.origin.y)
    if text.isVertical { unsafe cairo_rotate(canvas, -.pi / 2) }
    unsafe cairo_move_to(canvas, 0, 0)
    unsafe typesetter.draw(text.string, size: text.size, isBold: text.isBold, on: canvas)
    unsafe cairo_restore(canvas)
  }

  private func draw(_ image: Picture, in rect: Scene.Rect) {
    guard
      let surface = unsafe cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32(image.width), Int32(image.height))
    else { return }
    defer { unsafe cairo_surface_destroy(surface) }
    unsafe fill(surface, with: image)
    unsafe identify(surface, as: image.digest)
    unsafe cairo_save(canvas)
    unsafe cairo_rectangle(canvas, rect.x, rect.y, rect.width, rect.height)
    unsafe cairo_clip(canvas)
    unsafe cairo_translate(canvas, rect.x, rect.y)
    unsafe cairo_scale(canvas, rect.width / Double(image.width), rect.height / Double(image.height))
    unsafe cairo_set_source_surface(canvas, surface, 0, 0)
    let pattern = unsafe cairo_get_source(canvas)
    // Nearest keeps cells cells, and keeps viewers from smoothing a PDF's pictures each its own
    // way; only a raster coarser than the picture averages its pixels.
    let isReduced = pixelsPerPoint.map { Double(image.width) > rect.width * $0 } ?? false
    unsafe cairo_pattern_set_filter(pattern, isReduced ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST)
    if isReduced { unsafe cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD) }
    unsafe cairo_paint(canvas)
    unsafe cairo_restore(canvas)
  }

  private func fill(_ surface: OpaquePointer, with image: Picture) {
    guard let data = unsafe cairo_image_surface_get_data(surface) else { return }
    let stride = unsafe Int(cairo_image_surface_get_stride(surface))
    unsafe cairo_surface_flush(surface)
    // Rows and columns stay within the surface, which has the picture's size.
    unsafe image.pixels.withUnsafeBufferPointer { source in
      for row in 0..<image.height {
        let line = unsafe UnsafeMutableRawPointer(data + row * stride)
          .assumingMemoryBound(to: UInt32.self)
        for column in 0..<image.width {
          let start = (row * image.width + column) * 3
          unsafe line[column] =
            unsafe UInt32(source[start]) << 16 | UInt32(source[start + 1]) << 8
            | UInt32(source[start + 2])
        }
      }
    }
    unsafe cairo_surface_mark_dirty(surface)
  }

  /// Lets a PDF hold a picture once however often it is drawn.
  private func identify(_ surface: OpaquePointer, as digest: String) {
    let bytes = Array(digest.utf8)
    // Cairo owns the copy until it calls the closure, or never if it refuses it.
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    unsafe copy.initialize(from: bytes, count: bytes.count)
    let status = unsafe cairo_surface_set_mime_data(
      surface, CAIRO_MIME_TYPE_UNIQUE_ID, copy, UInt(bytes.count),
      { unsafe $0?.assumingMemoryBound(to: UInt8.self).deallocate() }, unsafe copy)
    if status != CAIRO_STATUS_SUCCESS { unsafe copy.deallocate() }
  }
}
