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
