/// How a table is written.
package enum TabularFormat: String, CaseIterable, Sendable {
  /// Aligned columns, for reading.
  case text
  /// A table of Markdown.
  case markdown
  /// A `tabular` with the rules of the package booktabs.
  case latex
  /// A line a row, numbers and the ends of their intervals in columns of their own.
  case csv
  /// Numbers by name.
  case json
}
