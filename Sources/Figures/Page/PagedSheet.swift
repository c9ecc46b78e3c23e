package import Drawing

/// What a sheet shows, to be laid out on pages.
package protocol PagedSheet {
  /// Lays the sheet out on as many pages as the style's height makes of it.
  /// - Returns: At least one page; their warnings name characters that the fonts lack.
  /// - Throws: ``FigureError`` if the parts do not belong together, the page is too small, or a font is
  ///   missing.
  func pages(_ style: SheetStyle) throws -> [Scene]
}

extension PagedSheet {
  /// The sheet on one page of its own height.
  /// - Throws: as ``pages(_:)``.
  package func scene(_ style: SheetStyle = SheetStyle()) throws -> Scene {
    try pages(style.onOnePage)[0]
  }
}

extension PagedSheet {
  /// Draws the sheet once and writes it to the file at each of `paths`, as ``Sheet`` does.
  /// - Parameters: as of ``Sheet/write(to:dpi:isAnonymous:)-([String],_,_)``.
  /// - Throws: as there, and ``FigureError/unsuitableOutput(path:reason:)`` for a moving picture.
  package func write(
    to paths: [String], style: SheetStyle, dpi: Double? = nil, isAnonymous: Bool = false
  ) throws -> Sheet.Output {
    let files = try FigureFile.files(paths, isAnimated: false)
    let pages = try self.pages(style).map { isAnonymous ? $0.anonymous : $0 }
    return try Sheet.Output(pages, to: files, dpi: dpi, venue: style.venue)
  }
}
