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
