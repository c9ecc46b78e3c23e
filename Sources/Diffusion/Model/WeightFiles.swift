private import Foundation
internal import TensorEngine

/// The safetensors files of one part of a checkpoint, however it was saved.
///
/// In this order: `NAME.safetensors`; shards listed in `NAME.safetensors.index.json`; the only
/// variant there is, as `NAME.fp16.safetensors` or as shards listed in
/// `NAME.safetensors.index.fp16.json`. The names are those that diffusers and transformers write.
struct WeightFiles {
  /// Paths of the weight files.
  let paths: [String]
  /// Path of the list of shards, if there is one.
  let index: String?

  /// Finds the files of `name` in `folder`.
  /// - Throws: ``DiffusionError/missingFile(path:what:)``, or `FileError` for a damaged index.
  init(in folder: String, named name: String) throws {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    let there = (names ?? []).sorted()
    let plain = name + ".safetensors"
    if there.contains(plain) {
      (paths, index) = ([folder + "/" + plain], nil)
      return
    }
    if there.contains(plain + ".index.json") {
      (paths, index) = try Self.shards(folder, plain + ".index.json")
      return
    }
    let variants = there.filter { file in
      (file.hasPrefix(name + ".") && file.hasSuffix(".safetensors") && !file.contains("-of-"))
        || (file.hasPrefix(plain + ".index.") && file.hasSuffix(".json"))
    }
    guard let variant = variants.first, variants.count == 1 else {
      throw Self.missing(folder, name, there, variants)
    }
    (paths, index) =
      variant.hasSuffix(".json")
      ? try Self.shards(folder, variant) : ([folder + "/" + variant], nil)
  }

  /// The shards that an index names, each once.
  private static func shards(_ folder: String, _ file: String) throws -> ([String], String?) {
    let path = folder + "/" + file
    let map = try StrictJSON.read(path: path).member("weight_map")
    var names: [String] = []
    for key in try map.object().keys {
      let name = try map.member(key).string()
      // A name from a file becomes part of a path: it stays in its folder.
      guard !name.contains("/"), name.hasSuffix(".safetensors") else {
        throw try map.member(key).failure(
          "expected a safetensors file beside the index, got \(FileError.quoted(name))")
      }
      if !names.contains(name) { names.append(name) }
    }
    guard !names.isEmpty else { throw map.failure("expected at least one shard, got none") }
    return (names.sorted().map { folder + "/" + $0 }, path)
  }

  private static func missing(
    _ folder: String, _ name: String, _ there: [String], _ variants: [String]
  ) -> DiffusionError {
    let path = "\(folder)/\(name).safetensors"
    if variants.count > 1 {
      return .missingFile(
        path: path,
        what: "there are the variants \(variants.joined(separator: ", ")): give the one to use "
          + "that name")
    }
    if let pickle = [".bin", ".ckpt", ".pt"].map({ name + $0 }).first(where: there.contains) {
      return .missingFile(
        path: path,
        what: "there is \(pickle), but pickled weights can run code and are never read; "
          + "save them with diffusers' save_pretrained(safe_serialization=True)")
    }
    return .missingFile(path: path, what: "a checkpoint in diffusers' layout has this file")
  }
}
