package import AttentionTrace
internal import Drawing

/// What figures call the layers of a run: where each lies in its network, as short as tells them apart, and
/// its grid, as in `down 0.1 16×16` of a UNet or `single block 12 32×32` of a transformer.
package struct LayerNames {
  private var names: [String: String] = [:]

  /// Names the layers of a run.
  package init(_ sites: [RecordedSite]) {
    let isDeep = sites.contains { Self.place(of: $0.site.path).map { $0.block > 0 } ?? false }
    let whole = sites.map { Self.words($0.site.path, isDeep: isDeep) }
    // The attention's own name says something only where a block has several.
    let short = whole.map { $0.count > 1 ? $0.dropLast().joined(separator: " ") : $0[0] }
    for (place, site) in sites.enumerated() {
      let isClear = short.count { $0 == short[place] } == 1
      let name = isClear ? short[place] : whole[place].joined(separator: " ")
      names[site.site.path] = "\(name) \(site.grid.rows)×\(site.grid.columns)"
    }
    let counts = Dictionary(grouping: names.values) { $0 }.mapValues(\.count)
    for site in sites where counts[names[site.site.path] ?? "", default: 0] > 1 {
      names[site.site.path] = "\(site.site.path) \(site.grid.rows)×\(site.grid.columns)"
    }
  }

  /// The name of the layer at a path; the path itself where there is none.
  package subscript(path: String) -> String { names[path] ?? path }

  /// Where a layer lies in a UNet by diffusers' names: the stage, and its block of the transformer.
  private static func place(of path: String) -> (stage: String, block: Int)? {
    let parts = path.split(separator: ".").map(String.init)
    guard let last = parts.lastIndex(of: "transformer_blocks"), last + 2 < parts.count,
      let block = Int(parts[last + 1]), let first = parts.first
    else { return nil }
    switch first {
    case "mid_block": return ("mid", block)
    case "down_blocks", "up_blocks":
      guard parts.count > 3, Int(parts[1]) != nil, Int(parts[3]) != nil else { return nil }
      return ("\(first.dropLast(7)) \(parts[1]).\(parts[3])", block)
    default: return nil
    }
  }

  /// The words of a path, the last of which is the attention's own name.
  private static func words(_ path: String, isDeep: Bool) -> [String] {
    let parts = path.split(separator: ".").map(String.init)
    guard let last = parts.last else { return [path] }
    if let (stage, block) = place(of: path) {
      let isMiddle = stage == "mid"
      return [isDeep ? "\(stage)\(isMiddle ? " " : ".")\(block)" : stage, last]
    }
    return parts.enumerated().map { place, part in
      let isCounted = parts.indices.contains(place + 1) && Int(parts[place + 1]) != nil
      return isCounted ? singular(part) : part.replacing("_", with: " ")
    }
  }

  /// One of counted parts: `single block` of `single_transformer_blocks`.
  private static func singular(_ part: String) -> String {
    let words = part.split(separator: "_").map(String.init)
    let plain = words.count > 1 ? words.filter { $0 != "transformer" } : words
    let name = plain.joined(separator: " ")
    return name.count > 1 && name.hasSuffix("s") ? String(name.dropLast()) : name
  }
}
