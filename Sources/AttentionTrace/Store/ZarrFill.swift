/// A fill value as it stands in the description of an array.
package enum ZarrFill: Encodable, Sendable {
  case integer(Int)
  case notANumber

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .notANumber: try container.encode("NaN")
    }
  }
}
