internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// `tables/schema.json`: what the tables' columns are, as a Data Package with Table Schemas.
struct TableDictionary: Encodable {
  private struct Resource: Encodable {
    let name: String
    let title: String
    let path: String
    let format = "csv"
    let mediatype = "text/csv"
    let encoding = "utf-8"
    let schema: Schema
  }

  private struct Schema: Encodable {
    let fields: [TableColumn]
    let missingValues = [""]
  }

  private let name = "heed-tables"
  private let resources: [Resource]

  init(_ tables: [ExportTable]) {
    resources = tables.map {
      Resource(
        name: $0.name, title: $0.title, path: "\($0.name).csv", schema: Schema(fields: $0.columns))
    }
  }
}
