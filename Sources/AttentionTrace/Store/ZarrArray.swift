/// The description of an array: `zarr.json` in its folder.
///
/// Zarr v3 core specification, without compressor: little-endian bytes, or texts by the extension
/// `vlen-utf8` (zarr-developers/zarr-extensions), then a CRC-32C.
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
  /// `nil` for texts.
  let type: ZarrType?
  let dimensions: [String]
  let attributes: ZarrAttributes

  /// - Parameter type: `nil` for texts.
  package init(
    shape: [Int], chunk: [Int], type: ZarrType?, dimensions: [String], attributes: ZarrAttributes
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
    try container.encode(type?.rawValue ?? "string", forKey: .dataType)
    try container.encode(
      Named(name: "regular", configuration: Chunks(chunkShape: chunk)), forKey: .chunkGrid)
    try container.encode(
      Named(name: "default", configuration: ["separator": "."]), forKey: .chunkKeys)
    let elements: Named<[String: String]>
    if let type {
      try container.encode(type.fill, forKey: .fill)
      elements = Named(
        name: "bytes", configuration: type.bytes > 1 ? ["endian": "little"] : nil)
    } else {
      try container.encode("", forKey: .fill)
      elements = Named(name: "vlen-utf8", configuration: nil)
    }
    try container.encode([elements, Named(name: "crc32c", configuration: nil)], forKey: .codecs)
    try container.encode(attributes, forKey: .attributes)
    try container.encode(dimensions, forKey: .dimensions)
  }
}
