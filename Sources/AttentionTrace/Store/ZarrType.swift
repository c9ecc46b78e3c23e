/// The element types that a store uses, by their names in Zarr v3.
package enum ZarrType: String, Codable, Sendable {
  case int8, int32, uint64, float16, float32, float64

  /// Bytes an element takes.
  package var bytes: Int {
    switch self {
    case .int8: 1
    case .float16: 2
    case .int32, .float32: 4
    case .uint64, .float64: 8
    }
  }

  /// What elements are that were never written.
  package var fill: ZarrFill {
    switch self {
    case .int8, .int32: .integer(-1)
    case .uint64: .integer(0)
    case .float16, .float32, .float64: .notANumber
    }
  }
}
