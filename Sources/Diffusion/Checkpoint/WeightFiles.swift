private import Foundation
internal import TensorEngine

/// The safetensors files of one part of a checkpoint, however it was saved.
///
/// A part can be saved several times, as `NAME.safetensors` and as variants named
/// `NAME.fp16.safetensors`, each of them whole or as shards that `NAME.safetensors.index.json` or
/// `NAME.safetensors.index.fp16.json` list. The names are those that diffusers and transformers
/// write. Unasked, the one without a variant's name is taken, or else the first of ``preferred``, or
/// else the first by name.
package struct WeightFiles {
  /// Paths of the weight files.
  package let paths: [String]
  /// Path of the list of shards, if there is one.
  let index: String?
  /// What was chosen although nobody asked for it.
  let note: String?

  /// Whose layout a checkpoint with a UNet is in.
  private static let diffusers = "diffusers'"

  /// Variants in the order in which they are taken unasked, the most precise first.
  static let preferred = ["fp32", "fp16", "bf16"]

  /// Finds the files of `part` in the checkpoint at `root`.
  ///
  /// - Parameter wish: the variant to take where there is one of that name.
  /// - Throws: ``DiffusionError/missingFile(path:what:)``, or `FileError` for a damaged index.
  init(of part: CheckpointPart, in root: String, variant wish: String? = nil) throws {
    try self.init(of: part, folder: root + "/" + part.folder, variant: wish)
  }

  /// Finds the files of `part` in its own folder; otherwise as ``init(of:in:variant:)``.
  init(of part: CheckpointPart, folder: String, variant wish: String? = nil) throws {
    try self.init(stem: part.stem, folder: folder, layout: Self.diffusers, variant: wish)
  }

  /// Finds the files that are called `stem` in a folder.
  ///
  /// - Parameters:
  ///   - layout: whose layout the folder is in, for a message, as in "diffusers'".
  ///   - wish: the variant to take where there is one of that name.
  /// - Throws: ``DiffusionError/missingFile(path:what:)``, or `FileError` for a damaged index.
  package init(
    stem: String, folder: String, layout: String, variant wish: String? = nil
  ) throws {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    let there = (names ?? []).sorted()
    let variants = Self.variants(of: stem, among: there)
    let order = [wish, ""] + Self.preferred + variants.keys.sorted()
    guard let name = order.compactMap(\.self).first(where: { variants[$0] != nil }),
      let file = variants[name], wish == nil || name == wish || name.isEmpty
    else {
      throw Self.missing(folder, stem, layout, there, variants.keys.sorted(), wish)
    }
    if let wish, name != wish {
      note = "\(folder): no variant \(wish); using the weights without a variant name"
    } else if wish == nil, !name.isEmpty, variants.count > 1 {
      note =
        "\(folder): using the variant \(name) of \(variants.keys.sorted().joined(separator: ", "));"
        + " another can be chosen"
    } else {
      note = nil
    }
    (paths, index) =
      file.hasSuffix(".json") ? try Self.shards(folder, file) : ([folder + "/" + file], nil)
  }

  /// The file that begins each variant: the weights, or the list of their shards.
  private static func variants(of stem: String, among files: [String]) -> [String: String] {
    var variants: [String: String] = [:]
    // Shards first: where a variant is there in both forms, the whole file is taken.
    let list = stem + ".safetensors.index."
    for file in files where file.hasPrefix(list) && file.hasSuffix("json") {
      variants[String(file.dropFirst(list.count).dropLast(4)).trimmed] = file
    }
    for file in files where file.hasPrefix(stem + ".") && file.hasSuffix(".safetensors") {
      let name = file.dropFirst(stem.count).dropLast("safetensors".count)
      if !name.contains("-of-") { variants[String(name).trimmed] = file }
    }
    return variants
  }

  /// The shards that an index names, each once.
  private static func shards(_ folder: String, _ file: String) throws -> ([String], String?) {
    let path = folder + "/" + file
    let map = try StrictJSON.read(path: path).member("weight_map")
    var names: [String] = []
    for key in try map.object().keys {
      let name = try map.member(key).string()
      // A name from a file becomes part of a path: it stays in its folder.
      guard !name.contains("/"), !name.contains("\0"), name.hasSuffix(".safetensors") else {
        throw try map.member(key).failure(
          "expected a safetensors file beside the index, got \(FileError.quoted(name))")
      }
      if !names.contains(name) { names.append(name) }
    }
    guard !names.isEmpty else { throw map.failure("expected at least one shard, got none") }
    return (names.sorted().map { folder + "/" + $0 }, path)
  }

  private static func missing(
    _ folder: String, _ stem: String, _ layout: String, _ there: [String], _ variants: [String],
    _ wish: String?
  ) -> DiffusionError {
    let path = "\(folder)/\(stem)\(wish.map { "." + $0 } ?? "").safetensors"
    if !variants.isEmpty {
      return .missingFile(
        path: path, what: "the variant can be \(variants.joined(separator: " or "))")
    }
    if let unfinished = there.first(where: OfferedFile.isUnfinished) {
      return .missingFile(
        path: path,
        what: "there is \(unfinished), a download that has not ended; "
          + OfferedFile.again)
    }
    if let pickle = there.first(where: PickledFile.isOne) {
      guard layout == diffusers else { return PickledFile.refusal(folder + "/" + pickle) }
      return .missingFile(
        path: path, what: "there is \(pickle), but " + PickledFile.advice(folder: folder))
    }
    return .missingFile(path: path, what: "a checkpoint in \(layout) layout has this file")
  }
}

extension String {
  /// Without the dots at both ends.
  fileprivate var trimmed: String { trimmingCharacters(in: CharacterSet(charactersIn: ".")) }
}
