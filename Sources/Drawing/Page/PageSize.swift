/// The room that a layout has on each page, in its own units.
package struct PageSize {
  /// The page's width.
  package let width: Double
  /// The greatest height; infinite for a page that is as high as what is on it.
  package let height: Double

  package init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// What is left of the width between the margins.
  package var inner: Double { width - 2 * Metrics.margin }

  /// What is left of the height between the top and the margin below, with a unit for rounding.
  package var usableHeight: Double { height - Metrics.margin - 1 }

  /// Checks that a block of this width has room between the margins.
  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  package func require(_ block: Double) throws {
    let needed = (block + 2 * Metrics.margin).rounded(.up)
    guard width >= needed else { throw FigureError.tooNarrow(width: width, needed: needed) }
  }
}
