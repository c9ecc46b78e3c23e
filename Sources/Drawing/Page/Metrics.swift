/// The lengths that all layouts share, in points at type of 6 points.
package enum Metrics {
  /// Between the page's edge and what is drawn.
  package static let margin = 1.5
  /// Between neighbouring panels.
  package static let panelGap = 3.0
  /// Between neighbouring blocks of panels, and between charts.
  package static let blockGap = 13.0
  /// Room left of the panels for the methods' names.
  package static let gutter = 9.5
  /// The narrowest panel that a strip of type fits below.
  package static let smallestPanel = 20.0
  /// The narrowest block of panels and charts.
  package static let smallestBlock = 155.0
  /// The narrowest page on which two blocks stand side by side.
  package static let twoBlocks = 400.0
  /// Height of the strip below a map, which holds its peak attention.
  package static let stripHeight = 8.5
  /// Between the strips of a row and the next row.
  package static let rowGap = 3.0
  /// From the bottom of a panel to the top of the next one below it.
  package static let rowPitch = stripHeight + rowGap
}
