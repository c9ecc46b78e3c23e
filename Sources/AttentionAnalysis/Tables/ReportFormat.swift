/// How a report is printed: for people, or for programs.
package enum ReportFormat: String, Sendable, CaseIterable {
  case text, json, csv
}
