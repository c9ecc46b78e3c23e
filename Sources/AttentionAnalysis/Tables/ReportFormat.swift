/// The output format of a report: text, Markdown or LaTeX for reading, JSON or CSV for programs.
package enum ReportFormat: String, Sendable, CaseIterable {
  case text, markdown, latex, json, csv
}
