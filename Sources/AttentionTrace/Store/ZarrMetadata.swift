/// The element types that a store uses, by their names in Zarr v3.
enum ZarrType: String, Codable {
  case int8, int32, float16, float32, float64

  /// Bytes an element takes.
  var bytes: Int {
    switch self {
    case .int8: 1
    case .float16: 2
    case .int32, .float32: 4
    case .float64: 8
    }
  }

  /// What elements are that were never written.
  var fill: ZarrFill {
    switch self {
    case .int8, .int32: .integer(-1)
    case .float16, .float32, .float64: .notANumber
    }
  }
}

/// A fill value as it stands in the description of an array.
enum ZarrFill: Encodable {
  case integer(Int)
  case notANumber

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .notANumber: try container.encode("NaN")
    }
  }
}

/// The attributes of an array, after the CF conventions where these have a word for it.
struct ZarrAttributes: Encodable {
  var longName: String
  /// Names of the arrays that xarray shall make coordinates of this one.
  var coordinates: String?
  var flagValues: [Int]?
  var flagMeanings: String?
  /// The vocabulary's spelling of each token along the axis.
  var pieces: [String]?
  /// How many heads lie side by side in the last axis of queries.
  var heads: Int?
  /// What queries times keys are multiplied by before the softmax.
  var scale: Double?

  enum CodingKeys: String, CodingKey {
    case longName = "long_name"
    case coordinates
    case flagValues = "flag_values"
    case flagMeanings = "flag_meanings"
    case pieces, heads, scale
  }
}

/// The description of an array: `zarr.json` in its folder.
///
/// Zarr v3 core specification, without compressor: little-endian bytes, then a CRC-32C.
struct ZarrArray: Encodable {
  struct Named<Configuration: Encodable>: Encodable {
    var name: String
    var configuration: Configuration?
  }

  struct Chunks: Encodable {
    var chunkShape: [Int]

    enum CodingKeys: String, CodingKey { case chunkShape = "chunk_shape" }
  }

  let shape: [Int]
  let chunk: [Int]
  let type: ZarrType
  let dimensions: [String]
  let attributes: ZarrAttributes

  enum CodingKeys: String, CodingKey {
    case format = "zarr_format"
    case nodeType = "node_type"
    case shape
    case dataType = "data_type"
    case chunkGrid = "chunk_grid"
    case chunkKeys = "chunk_key_encoding"
    case fill = "fill_value"
    case codecs, attributes
    case dimensions = "dimension_names"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(3, forKey: .format)
    try container.encode("array", forKey: .nodeType)
    try container.encode(shape, forKey: .shape)
    try container.encode(type, forKey: .dataType)
    try container.encode(
      Named(name: "regular", configuration: Chunks(chunkShape: chunk)), forKey: .chunkGrid)
    try container.encode(
      Named(name: "default", configuration: ["separator": "."]), forKey: .chunkKeys)
    try container.encode(type.fill, forKey: .fill)
    let endian = type.bytes > 1 ? ["endian": "little"] : nil
    try container.encode(
      [Named(name: "bytes", configuration: endian), Named(name: "crc32c", configuration: nil)],
      forKey: .codecs)
    try container.encode(attributes, forKey: .attributes)
    try container.encode(dimensions, forKey: .dimensions)
  }
}

/// The description of the store: `zarr.json` at its top, with those of its arrays inlined, so that
/// it opens with one read.
struct ZarrGroup: Encodable {
  let attributes: StoreAttributes
  let arrays: [String: ZarrArray]

  private struct Consolidated: Encodable {
    let kind = "inline"
    let mustUnderstand = false
    let metadata: [String: ZarrArray]

    enum CodingKeys: String, CodingKey {
      case kind
      case mustUnderstand = "must_understand"
      case metadata
    }
  }

  enum CodingKeys: String, CodingKey {
    case format = "zarr_format"
    case nodeType = "node_type"
    case attributes
    case consolidated = "consolidated_metadata"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(3, forKey: .format)
    try container.encode("group", forKey: .nodeType)
    try container.encode(attributes, forKey: .attributes)
    try container.encode(Consolidated(metadata: arrays), forKey: .consolidated)
  }
}
