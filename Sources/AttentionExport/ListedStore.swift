internal import AttentionAnalysis
internal import AttentionTrace
internal import TensorEngine

/// A Zarr store that was exported: what stands at its top, by its own description.
struct ListedStore {
  /// Names of its files and folders.
  let names: Set<String>

  /// Reads the store's description.
  /// - Throws: `FileError`: none, or that of another program's store.
  init(_ path: String) throws {
    if let group = try? StrictJSON.read(path: path + "/zarr.json") {
      _ = try group.member("attributes").member("heed_version").string()
      let arrays = try group.member("consolidated_metadata").member("metadata").object().keys
      names = Set(arrays).union(["zarr.json"])
    } else {
      let attributes = try StrictJSON.read(path: path + "/.zattrs")
      _ = try attributes.member("heed_version").string()
      let metadata = try StrictJSON.read(path: path + "/.zmetadata")
      let documents = try metadata.member("metadata").object().keys
      names = Set(documents.map { String($0.prefix { $0 != "/" }) }).union([".zmetadata"])
    }
  }
}
