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
}
