internal import CCairo
internal import Pictures

/// Draws a scene's nodes on a Cairo canvas whose unit is the point.
struct CairoPainter {
  let canvas: OpaquePointer
  let typesetter: Typesetter
  /// Device pixels a point on a raster; `nil` on paper.
  let pixelsPerPoint: Double?

  /// Fills the whole canvas.
  func fill(_ color: Color) {
    use(color)
    cairo_paint(canvas)
  }

  func draw(_ nodes: [Scene.Node]) {
    for node in nodes {
      switch node {
      case .group(_, let members): draw(members)
      case .rectangle(let rect, let fill, let stroke):
        cairo_rectangle(canvas, rect.x, rect.y, rect.width, rect.height)
        paint(fill, stroke)
      case .path(let points, let closed, let fill, let stroke):
        trace(points, closed: closed)
        paint(fill, stroke)
      case .image(let image, let rect): draw(image, in: rect)
      case .cells(let cells): draw(cells)
      case .text(let text): draw(text)
      }
    }
  }

  private func use(_ color: Color) {
    cairo_set_source_rgb(
      canvas, Double(color.red) / 255, Double(color.green) / 255, Double(color.blue) / 255)
  }

  private func trace(_ points: [Scene.Point], closed: Bool) {
    cairo_new_path(canvas)
    for point in points { cairo_line_to(canvas, point.x, point.y) }
    if closed { cairo_close_path(canvas) }
  }

  private func paint(_ fill: Color?, _ stroke: Scene.Stroke?) {
    if let fill {
      use(fill)
      cairo_fill_preserve(canvas)
    }
    if let stroke {
      use(stroke.color)
      cairo_set_line_width(canvas, stroke.width)
      cairo_set_line_cap(canvas, CAIRO_LINE_CAP_BUTT)
      cairo_set_line_join(canvas, CAIRO_LINE_JOIN_ROUND)
      cairo_set_dash(canvas, stroke.dash, Int32(stroke.dash.count), 0)
      cairo_stroke_preserve(canvas)
    }
    cairo_new_path(canvas)
  }

  private func draw(_ cells: Scene.Cells) {
    for (index, color) in cells.colors.enumerated() {
      guard let color else { continue }
      let square = cells.square(at: index)
      use(color)
      cairo_rectangle(canvas, square.x, square.y, square.width, square.height)
      cairo_fill(canvas)
    }
  }

  private func draw(_ text: Scene.Text) {
    cairo_save(canvas)
    use(text.color)
    cairo_translate(canvas, text.origin.x, text.origin.y)
    if text.isVertical { cairo_rotate(canvas, -.pi / 2) }
    cairo_move_to(canvas, 0, 0)
    typesetter.draw(text.string, size: text.size, isBold: text.isBold, on: canvas)
    cairo_restore(canvas)
  }

  private func draw(_ image: Picture, in rect: Scene.Rect) {
    guard
      let surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32(image.width), Int32(image.height))
    else { return }
    defer { cairo_surface_destroy(surface) }
    fill(surface, with: image)
    identify(surface, as: image.digest)
    cairo_save(canvas)
    cairo_rectangle(canvas, rect.x, rect.y, rect.width, rect.height)
    cairo_clip(canvas)
    cairo_translate(canvas, rect.x, rect.y)
    cairo_scale(canvas, rect.width / Double(image.width), rect.height / Double(image.height))
    cairo_set_source_surface(canvas, surface, 0, 0)
    let pattern = cairo_get_source(canvas)
    // Nearest keeps cells cells, and keeps viewers from smoothing a PDF's pictures each its own
    // way; only a raster coarser than the picture averages its pixels.
    let isReduced = pixelsPerPoint.map { Double(image.width) > rect.width * $0 } ?? false
    cairo_pattern_set_filter(pattern, isReduced ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST)
    if isReduced { cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD) }
    cairo_paint(canvas)
    cairo_restore(canvas)
  }

  private func fill(_ surface: OpaquePointer, with image: Picture) {
    guard let data = cairo_image_surface_get_data(surface) else { return }
    let stride = Int(cairo_image_surface_get_stride(surface))
    cairo_surface_flush(surface)
    image.pixels.withUnsafeBufferPointer { source in
      for row in 0..<image.height {
        let line = UnsafeMutableRawPointer(data + row * stride)
          .assumingMemoryBound(to: UInt32.self)
        for column in 0..<image.width {
          let start = (row * image.width + column) * 3
          line[column] =
            UInt32(source[start]) << 16 | UInt32(source[start + 1]) << 8
            | UInt32(source[start + 2])
        }
      }
    }
    cairo_surface_mark_dirty(surface)
  }

  /// Lets a PDF hold a picture once however often it is drawn.
  private func identify(_ surface: OpaquePointer, as digest: String) {
    let bytes = Array(digest.utf8)
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    let status = cairo_surface_set_mime_data(
      surface, CAIRO_MIME_TYPE_UNIQUE_ID, copy, UInt(bytes.count),
      { $0?.assumingMemoryBound(to: UInt8.self).deallocate() }, copy)
    if status != CAIRO_STATUS_SUCCESS { copy.deallocate() }
  }
}
