/// The output format of a report: text for reading, JSON or CSV for programs.
package enum ReportFormat: String, Sendable, CaseIterable {
  case text, json, csv
}
