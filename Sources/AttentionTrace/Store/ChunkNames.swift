/// The names of an array's chunks as files in its folder; only the first axis has more than one.
enum ChunkNames {
  /// A chunk's own file, as in `c.3.0.0`: Zarr's `default` keys with the separator `.`.
  static func file(_ chunk: Int, axes: Int) -> String {
    "c.\(chunk)" + String(repeating: ".0", count: axes - 1)
  }

  /// The shard that holds all chunks, as in `0.0.0`: Zarr's `v2` keys with the separator `.`, so that it can
  /// stand beside the chunks' own files until it takes their place.
  static func shard(axes: Int) -> String {
    [String](repeating: "0", count: axes).joined(separator: ".")
  }
}
