internal import AttentionAnalysis
internal import AttentionTrace

/// The description of an array of Zarr v2: `.zarray` in its folder.
struct Zarr2Array: Encodable {
  let shape: [Int]
  let chunks: [Int]
  let dtype: String
  let isFloat: Bool

  enum CodingKeys: String, CodingKey {
    case format = "zarr_format"
    case shape, chunks, dtype, compressor
    case fill = "fill_value"
    case order, filters
    case separator = "dimension_separator"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(2, forKey: .format)
    try container.encode(shape, forKey: .shape)
    try container.encode(chunks, forKey: .chunks)
    try container.encode(dtype, forKey: .dtype)
    try container.encodeNil(forKey: .compressor)
    // xarray takes a fill value for what is missing, and would make integers floats for its sake.
    if isFloat {
      try container.encode("NaN", forKey: .fill)
    } else {
      try container.encodeNil(forKey: .fill)
    }
    try container.encode("C", forKey: .order)
    try container.encodeNil(forKey: .filters)
    try container.encode(".", forKey: .separator)
  }
}

/// The attributes of an array of Zarr v2, with the names of its axes where xarray looks for them.
struct Zarr2Attributes: Encodable {
  let dimensions: [String]
  let attributes: ZarrAttributes

  enum CodingKeys: String, CodingKey { case dimensions = "_ARRAY_DIMENSIONS" }

  func encode(to encoder: any Encoder) throws {
    try attributes.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dimensions, forKey: .dimensions)
  }
}

/// `.zgroup`.
struct Zarr2Group: Encodable {
  let format = 2

  enum CodingKeys: String, CodingKey { case format = "zarr_format" }
}

/// A file of metadata as it stands in `.zmetadata`.
enum Zarr2Document: Encodable {
  case group(Zarr2Group)
  case attributes(ExportAttributes)
  case array(Zarr2Array)
  case arrayAttributes(Zarr2Attributes)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .group(let group): try group.encode(to: encoder)
    case .attributes(let attributes): try attributes.encode(to: encoder)
    case .array(let array): try array.encode(to: encoder)
    case .arrayAttributes(let attributes): try attributes.encode(to: encoder)
    }
  }
}

/// `.zmetadata`: all metadata of a store, so that it opens with one read.
struct Zarr2Consolidated: Encodable {
  let format = 1
  let metadata: [String: Zarr2Document]

  enum CodingKeys: String, CodingKey {
    case format = "zarr_consolidated_format"
    case metadata
  }
}
