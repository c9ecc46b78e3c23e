/// The room that a layout has on each page, in its own units.
struct PageSize {
  /// The page's width.
  let width: Double
  /// The greatest height; infinite for a page that is as high as what is on it.
  let height: Double

  /// What is left of the width between the margins.
  var inner: Double { width - 2 * Metrics.margin }

  /// What is left of the height between the top and the margin below, with a unit for rounding.
  var usableHeight: Double { height - Metrics.margin - 1 }

  /// Checks that a block of this width has room between the margins.
  /// - Throws: ``FigureError/tooNarrow(width:needed:)``.
  func require(_ block: Double) throws {
    let needed = (block + 2 * Metrics.margin).rounded(.up)
    guard width >= needed else { throw FigureError.tooNarrow(width: width, needed: needed) }
  }
}
