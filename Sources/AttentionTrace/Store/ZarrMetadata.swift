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

/// The attributes of an array, after the CF conventions where these have a word for it.
package struct ZarrAttributes: Encodable, Sendable {
  package var longName: String
  /// What the numbers are counted in; `1` for what has no dimension.
  package var units: String?
  /// Names of the arrays that xarray shall make coordinates of this one.
  package var coordinates: String?
  package var flagValues: [Int]?
  package var flagMeanings: String?
  /// The vocabulary's spelling of each token along the axis.
  package var pieces: [String]?
  /// The word that each token along the axis belongs to; empty for none.
  package var words: [String]?
  /// The prompt of each run along the axis.
  package var prompts: [String]?
  /// How many heads lie side by side in the last axis of queries.
  var heads: Int?
  /// What queries times keys are multiplied by before the softmax.
  var scale: Double?

  package init(
    longName: String, units: String? = nil, coordinates: String? = nil, flagValues: [Int]? = nil,
    flagMeanings: String? = nil, pieces: [String]? = nil, words: [String]? = nil,
    prompts: [String]? = nil
  ) {
    self.longName = longName
    self.units = units
    self.coordinates = coordinates
    self.flagValues = flagValues
    self.flagMeanings = flagMeanings
    self.pieces = pieces
    self.words = words
    self.prompts = prompts
  }

  enum CodingKeys: String, CodingKey {
    case longName = "long_name"
    case units, coordinates
    case flagValues = "flag_values"
    case flagMeanings = "flag_meanings"
    case pieces, words, prompts, heads, scale
  }
}

/// The description of an array: `zarr.json` in its folder.
///
/// Zarr v3 core specification, without compressor: little-endian bytes, then a CRC-32C.
package struct ZarrArray: Encodable {
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

  package init(
    shape: [Int], chunk: [Int], type: ZarrType, dimensions: [String], attributes: ZarrAttributes
  ) {
    self.shape = shape
    self.chunk = chunk
    self.type = type
    self.dimensions = dimensions
    self.attributes = attributes
  }

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

  package func encode(to encoder: any Encoder) throws {
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
package struct ZarrGroup<Attributes: Encodable>: Encodable {
  let attributes: Attributes
  let arrays: [String: ZarrArray]

  package init(attributes: Attributes, arrays: [String: ZarrArray]) {
    self.attributes = attributes
    self.arrays = arrays
  }

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

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(3, forKey: .format)
    try container.encode("group", forKey: .nodeType)
    try container.encode(attributes, forKey: .attributes)
    try container.encode(Consolidated(metadata: arrays), forKey: .consolidated)
  }
}
