/// An axis of an array of attention maps that another program saved.
package enum MapAxis: String, Hashable, Sendable, CaseIterable {
  /// The scheduler's iterations.
  case step
  /// The attention layers.
  case layer
  /// The heads of a layer.
  case head
  /// The pictures of a video.
  case frame
  /// Rows of the picture, from the top.
  case row
  /// Columns of the picture, from the left.
  case column
  /// Rows and columns as one, row by row.
  case pixel
  /// The keys: the tokens of the prompt.
  case token
  /// An axis of length 1 that means nothing, as of a batch.
  case single = "_"

  /// Reads axes separated by commas, from the outermost to the innermost.
  /// - Throws: ``EvaluationError/axes(reason:)`` for a name that is none, one that is given twice, and
  ///   rows or columns beside pixels.
  package static func list(_ text: String) throws -> [MapAxis] {
    let axes = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let name = String(part).filter { $0 != " " }
      guard let axis = MapAxis(rawValue: name) else {
        throw EvaluationError.axes(
          reason: "'\(name)' is no axis; expected "
            + allCases.map(\.rawValue).joined(separator: ", "))
      }
      return axis
    }
    for axis in allCases where axis != .single && axes.count(where: { $0 == axis }) > 1 {
      throw EvaluationError.axes(reason: "\(axis.rawValue) is given twice")
    }
    if axes.contains(.pixel), axes.contains(.row) || axes.contains(.column) {
      throw EvaluationError.axes(reason: "give either pixel, or row and column")
    }
    return axes
  }
}
