/// The face that a figure's words are set in.
public enum Typeface: String, Hashable, Sendable, CaseIterable {
  /// Liberation Sans, with the metrics of Arial.
  case sans
  /// Liberation Serif, with the metrics of Times.
  case serif

  /// The family asked for first.
  package var family: String {
    switch self {
    case .sans: "Liberation Sans"
    case .serif: "Liberation Serif"
    }
  }

  /// What a reader of an SVG without the family takes instead.
  var substitutes: String {
    switch self {
    case .sans: "Arial, Helvetica, sans-serif"
    case .serif: "Times New Roman, Times, serif"
    }
  }
}
