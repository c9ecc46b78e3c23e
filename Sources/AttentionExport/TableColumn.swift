internal import AttentionAnalysis

/// A column of a table: its name, its type in Table Schema's words, and what it means.
struct TableColumn: Encodable, Sendable {
  enum Kind: String, Encodable, Sendable { case integer, number, string }

  let name: String
  let type: Kind
  let description: String

  init(_ name: String, _ type: Kind, _ description: String) {
    self.name = name
    self.type = type
    self.description = description
  }
}
