/// The lengths that all layouts share, in points at type of 6 points.
enum Metrics {
  /// Between the page's edge and what is drawn.
  static let margin = 1.5
  /// Between neighbouring panels.
  static let panelGap = 3.0
  /// Between neighbouring blocks of panels, and between charts.
  static let blockGap = 13.0
  /// Room left of the panels for the methods' names.
  static let gutter = 9.5
  /// The narrowest panel that a strip of type fits below.
  static let smallestPanel = 20.0
  /// The narrowest block of panels and charts.
  static let smallestBlock = 155.0
  /// The narrowest page on which two blocks stand side by side.
  static let twoBlocks = 400.0
  /// Height of the strip below a map, which holds its peak attention.
  static let stripHeight = 8.5
  /// Between the strips of a row and the next row.
  static let rowGap = 3.0
  /// From the bottom of a panel to the top of the next one below it.
  static let rowPitch = stripHeight + rowGap
}
