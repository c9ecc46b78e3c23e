internal import Foundation

/// What the description of a packed store says: which arrays lie in shards, and what every description
/// was before.
///
/// The group's `zarr.json` alone describes a packed store; that it is replaced is the moment in which a
/// store becomes packed, or unpacked again.
struct PackedStore: Sendable {
  /// How many chunks the shard of each array has room for.
  let shards: [String: Int]
  /// The text of each `zarr.json` before packing, by its path in the store.
  let descriptions: [String: String]

  /// The name of the group's own description, and of each array's.
  static let description = "zarr.json"

  private static let codec = "sharding_indexed"

  /// More elements along an axis than an array can have.
  private static let limit = 1 << 40
  /// The most chunks that a shard has room for: its index, of 16 bytes for each, is read as a whole.
  private static let chunkLimit = 1 << 20

  /// Reads the description of a store; `nil` for one that is not packed.
  /// - Throws: `TraceError.malformed`: shards that cannot be; `DecodingError`.
  init?(group bytes: [UInt8], path: String) throws {
    struct Group: Decodable {
      struct Consolidated: Decodable {
        let metadata: [String: Described]?
        let unpacked: [String: String]?
      }
      struct Described: Decodable {
        let grid: Named?
        let codecs: [Named]?
        enum CodingKeys: String, CodingKey {
          case grid = "chunk_grid"
          case codecs
        }
      }
      struct Named: Decodable {
        let name: String?
        let configuration: Configuration?
      }
      struct Configuration: Decodable {
        let shape: [Int]?
        enum CodingKeys: String, CodingKey { case shape = "chunk_shape" }
      }
      let consolidated: Consolidated?
      enum CodingKeys: String, CodingKey { case consolidated = "consolidated_metadata" }
    }
    let group = try JSONDecoder().decode(Group.self, from: Data(bytes))
    let arrays = group.consolidated?.metadata ?? [:]
    guard let descriptions = group.consolidated?.unpacked else {
      if let name = arrays.first(where: { $0.value.codecs?.first?.name == Self.codec })?.key {
        throw TraceError.malformed(
          path: path,
          reason: "\(name) lies in a shard, but consolidated_metadata has no unpacked")
      }
      return nil
    }
    self.descriptions = descriptions
    shards = try arrays.reduce(into: [:]) { shards, array in
      let codec = array.value.codecs?.first
      guard codec?.name == Self.codec, let inner = codec?.configuration?.shape?.first,
        let outer = array.value.grid?.configuration?.shape?.first, inner > 0,
        (1..<Self.limit).contains(outer), outer % inner == 0, outer / inner <= Self.chunkLimit
      else {
        throw TraceError.malformed(
          path: path,
          reason: "consolidated_metadata.metadata.\(array.key): expected the codec "
            + "sharding_indexed, and a shard of at most \(Self.chunkLimit) whole chunks")
      }
      shards[array.key] = outer / inner
    }
  }

  /// The path of an array's description in a store.
  static func description(of array: String) -> String { array + "/" + description }

  /// The description of a packed store.
  /// - Parameters:
  ///   - descriptions: Of the store as it is unpacked, by path.
  ///   - leftOut: Arrays that need no file, since they count from 0.
  ///   - uniform: The fill values of arrays that need no file, since they hold nothing else.
  /// - Throws: `DecodingError`, or `TraceError.malformed` where there is no description of a group.
  static func group(
    _ descriptions: [String: String], leavingOut leftOut: Set<String>,
    uniform: [String: JSONTree], path: String
  ) throws -> JSONTree {
    guard let text = descriptions[description] else {
      throw TraceError.malformed(
        path: path, reason: "consolidated_metadata.unpacked has no \(description)")
    }
    var group = try JSONTree(Array(text.utf8))
    guard var consolidated = group["consolidated_metadata"],
      case .object(let arrays)? = consolidated["metadata"]
    else {
      throw TraceError.malformed(path: path, reason: "has no consolidated_metadata.metadata")
    }
    var sharded = try arrays.filter { !leftOut.contains($0.key) }.mapValues {
      try Self.sharded($0, path: path)
    }
    for (name, value) in uniform { sharded[name]?["fill_value"] = value }
    consolidated["metadata"] = .object(sharded)
    consolidated["unpacked"] = .object(descriptions.mapValues { .text($0) })
    group["consolidated_metadata"] = consolidated
    return group
  }

  /// The description of an array in one shard, of its description in chunks along the first axis.
  private static func sharded(_ array: JSONTree, path: String) throws -> JSONTree {
    guard case .array(let shape)? = array["shape"], case .whole(let length)? = shape.first,
      let chunkShape = array["chunk_grid"]?["configuration"]?["chunk_shape"],
      case .array(let chunk) = chunkShape, case .whole(let rows)? = chunk.first, rows > 0,
      length < limit, rows < limit, let codecs = array["codecs"]
    else { throw TraceError.malformed(path: path, reason: "describes an array without chunks") }
    func named(_ name: String, _ configuration: [String: JSONTree]) -> JSONTree {
      .object(["name": .text(name), "configuration": .object(configuration)])
    }
    let whole = JSONTree.whole(max((length + rows - 1) / rows, 1) * rows)
    var array = array
    array["chunk_grid"] = named("regular", ["chunk_shape": .array([whole] + chunk.dropFirst())])
    array["chunk_key_encoding"] = named("v2", ["separator": .text(".")])
    array["codecs"] = .array([
      named(
        codec,
        [
          "chunk_shape": chunkShape, "codecs": codecs, "index_location": .text("end"),
          "index_codecs": .array([
            named("bytes", ["endian": .text("little")]), .object(["name": .text("crc32c")]),
          ]),
        ])
    ])
    return array
  }
}
