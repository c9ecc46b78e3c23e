internal import Foundation
internal import PromptText

extension RunCheck {
  /// Whether the store is what the manifest and the journal say.
  mutating func checkStore(_ scope: Scope) {
    let plan = scope.manifest.plan
    let isWritten = scope.records.contains { !$0.checksums.isEmpty }
    guard let store = attempt(folder.store, { try scope.directory.folder(RunFolder.storeName) })
    else { return }
    guard let store else {
      if isWritten || (plan != nil && scope.isComplete) { add(folder.store, "is missing") }
      return
    }
    let file = store.path(of: "zarr.json")
    guard let bytes = attempt(file, { try store.description(PackedStore.description) }) else {
      return
    }
    guard let bytes else {
      if isWritten || scope.isComplete { add(file, "is missing") }
      return
    }
    guard let (group, attributes, packed) = readGroup(bytes, file) else { return }
    let flaws = problems.count
    check(attributes, scope, file)
    let layout = StoreLayout(
      recorded: attributes.arrays, manifest: scope.manifest, precision: attributes.precision)
    checkDescriptions(scope, store, group, layout, packed)
    checkNames(store, layout, packed)
    // Where run.json and the store contradict each other, each call would say so again.
    if problems.count == flaws { checkKept(scope, layout) }
    for array in layout.recorded {
      checkChunks(scope, store, array, attributes.precision, layout, packed)
    }
    checkCoordinates(scope, store, layout, packed, group)
  }

  /// The group's description, if it is one that Heed reads.
  private mutating func readGroup(
    _ bytes: [UInt8], _ file: String
  ) -> (JSONTree, StoreAttributes, PackedStore?)? {
    do {
      let tree = try JSONTree(bytes)
      let format = tree["zarr_format"]?.description ?? "nothing"
      guard format == "3" else {
        add(file, "zarr_format is \(format), expected 3")
        return nil
      }
      let attributes = try StoreAttributes(group: bytes)
      if let flaw = attributes.flaw {
        add(file, flaw)
        return nil
      }
      return (tree, attributes, try PackedStore(group: bytes, path: file))
    } catch let error as TraceError {
      add(error, file)
      return nil
    } catch {
      add(file, AttentionTrace.reason(of: error))
      return nil
    }
  }

  /// Whether a store says of the run what `run.json` says.
  private mutating func check(_ attributes: StoreAttributes, _ scope: Scope, _ file: String) {
    let manifest = scope.manifest
    for contradiction in attributes.contradictions(of: manifest) { add(file, contradiction) }
    guard let plan = manifest.plan else { return }
    checkSites(attributes, plan, manifest.tokens.tokens.count, file)
    checkCoverage(attributes, manifest)
  }

  /// Whether what a recorder says of its coverage is what the store has, and whether the grid that is
  /// measured is one of the store's.
  private mutating func checkCoverage(_ attributes: StoreAttributes, _ manifest: RunManifest) {
    guard let coverage = manifest.provenance.recorder?.coverage else { return }
    let sites = attributes.sites
    if coverage.recorded != sites.count {
      add(
        folder.manifest,
        "provenance.recorder.coverage: \(coverage.recorded) layers are recorded, but "
          + "the store has \(sites.count)")
    }
    let read = sites.filter { $0.site.kind.readsText }.map(\.grid)
    if !read.isEmpty, !read.contains(manifest.method.grid) {
      let grids = Set(read.map(\.description)).sorted().joined(separator: ", ")
      add(folder.manifest, "method has grid \(manifest.method.grid), but layers are on \(grids)")
    }
  }

  /// Whether the plan would keep of each site what the store says that it keeps.
  private mutating func checkSites(
    _ attributes: StoreAttributes, _ plan: RecordingPlan, _ window: Int, _ file: String
  ) {
    for site in attributes.arrays.map(\.site) {
      if site.kind == .cross, site.keys != window {
        add(file, "\(site.path) has \(site.keys) tokens, but run.json has \(window)")
      }
      if site.kind == .joint, site.keys < window + site.cells {
        add(
          file,
          "\(site.path) has \(site.keys) keys, but run.json has \(window) tokens beside "
            + "\(site.cells) cells")
      }
    }
    for site in attributes.sites { checkKept(site, plan, window, file) }
    let layers = attributes.sites.map(\.site)
    for site in attributes.queries ?? [] {
      if !plan.keepsQueries(of: site) {
        add(file, "queries of \(site.path) are not in the plan of run.json")
      }
      if layers.contains(where: { $0.path == site.path && $0 != site }) {
        add(file, "\(site.path) is a different layer in its maps and in its queries")
      }
    }
    for (patterns, sites) in [(plan.layers, layers), (plan.queries, attributes.queries ?? [])] {
      for pattern in patterns where !sites.contains(where: LayerPattern(pattern).matches) {
        add(file, "no layer matches the plan's '\(pattern)'")
      }
    }
  }

  /// Whether the plan would keep of a site what the store says that it keeps.
  private mutating func checkKept(
    _ site: RecordedSite, _ plan: RecordingPlan, _ window: Int, _ file: String
  ) {
    let path = site.site.path
    guard let kept = plan.recorded(site.site, textKeys: window) else {
      add(file, "\(path) at \(site.site.grid) is not in the plan of run.json")
      return
    }
    if kept.heads != site.heads {
      add(file, "\(path) has heads \(site.heads), but the plan of run.json keeps \(kept.heads)")
    }
    if kept.reducedHeads != site.reducedHeads {
      add(
        file,
        "\(path) has reducedHeads \(site.reducedHeads?.rawValue ?? "nothing"), but the plan of "
          + "run.json has \(kept.reducedHeads?.rawValue ?? "nothing")")
    }
    if kept.tokens != site.tokens {
      add(
        file,
        "\(path) has \(site.keys) tokens, but the plan of run.json keeps \(kept.keys) or others")
    }
    checkSums(of: site, plan, window, file)
    let limit = plan.cells ?? .max
    let isWhole = site.site.grid.rows <= limit && site.site.grid.columns <= limit
    if isWhole ? site.grid != site.site.grid : max(site.grid.rows, site.grid.columns) > limit {
      add(
        file,
        "\(path) is kept on \(site.grid), but the plan of run.json keeps "
          + (isWhole ? "\(site.site.grid)" : "at most \(limit) rows and columns"))
    }
  }

  /// Whether the summed columns of a site are those of the plan, over as many keys as there can be.
  ///
  /// A layer may have more keys than the text has tokens and the grid has cells: a model's own registers,
  /// which `padding` counts, or another picture's cells, which `image` does.
  private mutating func checkSums(
    of site: RecordedSite, _ plan: RecordingPlan, _ window: Int, _ file: String
  ) {
    let sums = site.summedColumns
    let names = sums.map(\.name)
    // Only joint attention has keys of the picture.
    let wanted = plan.summedColumns.filter {
      $0 != RecordedSite.SummedColumn.image || site.site.kind == .joint
    }
    func add(_ reason: String) { self.add(file, "\(site.site.path) " + reason) }
    if site.site.kind.readsText ? names != wanted : !sums.isEmpty {
      func words(_ names: [String]) -> String {
        names.isEmpty ? "no summedColumns" : "summedColumns \(names.joined(separator: ", "))"
      }
      add("has \(words(names)), but the plan of run.json has \(words(wanted))")
      return
    }
    let least = [
      RecordedSite.SummedColumn.padding: window - site.keys,
      RecordedSite.SummedColumn.image: site.site.cells,
    ]
    for sum in sums {
      if let least = least[sum.name], sum.keys < least {
        add("sums up \(sum.keys) keys as \(sum.name), expected \(least) or more")
      }
    }
    if Set(names).isSuperset(of: least.keys), !site.holdsEveryKey {
      add("has \(site.site.keys) keys, but its tokens and summedColumns are others")
    }
  }

  /// Whether each array's shape, type, chunks and codecs are those of its site, at both places where
  /// they are written; a packed store keeps both in its own description.
  private mutating func checkDescriptions(
    _ scope: Scope, _ store: Directory, _ group: JSONTree, _ layout: StoreLayout,
    _ packed: PackedStore?
  ) {
    let top = store.path(of: PackedStore.description)
    var (inlined, place) = (group, "consolidated_metadata.metadata.")
    if let packed {
      guard let unpacked = checkPacking(group, packed, layout, scope, top) else { return }
      (inlined, place) = (unpacked, "before packing, " + place)
    }
    for name in layout.arrays(calls: 0).keys.sorted() {
      let own = PackedStore.description(of: name)
      let file = packed == nil ? "\(folder.store)/\(own)" : top
      let bytes = attempt(file) {
        if let packed { return packed.descriptions[own].map { Array($0.utf8) } }
        return try store.folder(name)?.description(PackedStore.description) ?? nil
      }
      guard let bytes else { continue }
      let start = packed == nil ? "" : "consolidated_metadata.unpacked: \(own): "
      if let bytes {
        if let tree = readTree(bytes, file) { compare(tree, of: name, layout, scope, file, start) }
      } else {
        add(file, start + "is missing")
      }
      if let description = inlined["consolidated_metadata"]?["metadata"]?[name] {
        compare(description, of: name, layout, scope, top, place + name + ".")
      } else {
        add(top, "consolidated_metadata has no \(name)")
      }
    }
  }

  /// Whether a packed store's description is what packing makes of those before.
  /// - Returns: The group's description before packing, if it can be read.
  private mutating func checkPacking(
    _ group: JSONTree, _ packed: PackedStore, _ layout: StoreLayout, _ scope: Scope, _ file: String
  ) -> JSONTree? {
    let described = group["consolidated_metadata"]?["metadata"]
    let names = layout.arrays(calls: 0).keys
    let leftOut = names.filter { layout.isCount($0) && described?[$0] == nil }
    let uniform = names.compactMap { name in
      Self.uniformValue(of: name, group, layout, scope).map { (name, $0) }
    }
    do {
      let expected = try PackedStore.group(
        packed.descriptions, leavingOut: Set(leftOut),
        uniform: Dictionary(uniqueKeysWithValues: uniform), path: file)
      if let found = group.difference(from: expected, at: "") {
        add(file, "\(found.field) is \(found.here), expected \(found.wanted)")
      }
      return try packed.descriptions[PackedStore.description].map { try JSONTree(Array($0.utf8)) }
    } catch let error as TraceError {
      add(error, file)
    } catch {
      add(file, "consolidated_metadata.unpacked: \(AttentionTrace.reason(of: error))")
    }
    return nil
  }

  /// The value of a coordinate that a packed store describes as the same everywhere, and that is.
  static func uniformValue(
    of name: String, _ group: JSONTree, _ layout: StoreLayout, _ scope: Scope
  ) -> JSONTree? {
    layout.uniformValue(of: name, scope.records).flatMap {
      group["consolidated_metadata"]?["metadata"]?[name]?["fill_value"] == $0 ? $0 : nil
    }
  }

  private mutating func readTree(_ bytes: [UInt8], _ file: String) -> JSONTree? {
    do { return try JSONTree(bytes) } catch {
      add(file, AttentionTrace.reason(of: error))
      return nil
    }
  }

  private mutating func compare(
    _ tree: JSONTree, of name: String, _ layout: StoreLayout, _ scope: Scope, _ file: String,
    _ place: String
  ) {
    // Until a run is complete its arrays have room for all calls that it may make.
    var calls = scope.records.count
    if !scope.isComplete, case .array(let shape)? = tree["shape"], let first = shape.first {
      calls = max(calls, Int(first.description) ?? calls)
    }
    let array = layout.arrays(calls: calls)[name]
    guard let expected = attempt(file, { try JSONTree([UInt8](JSONEncoder().encode(array))) })
    else { return }
    // What arrays say of themselves in words may be said in others.
    var found = tree.without("attributes").difference(
      from: expected.without("attributes"), at: "")
    for name in ["heads", "scale"] where found == nil {
      if let wanted = expected["attributes"]?[name], tree["attributes"]?[name] != wanted {
        let here = tree["attributes"]?[name]?.description ?? "nothing"
        found = ("attributes.\(name)", here, wanted.description)
      }
    }
    guard let found else { return }
    add(file, "\(place)\(found.field) is \(found.here), expected \(found.wanted)")
  }

  /// Whether the store holds no more than its arrays, and nothing that packing or unpacking left behind.
  private mutating func checkNames(
    _ store: Directory, _ layout: StoreLayout, _ packed: PackedStore?
  ) {
    let arrays = layout.arrays(calls: 0)
    let known = Set(arrays.keys).union([PackedStore.description, Directory.temporary])
    for name in attempt(store.path, { try store.names() }) ?? [] {
      guard known.contains(name) else {
        add(store.path(of: name), "is not an array that zarr.json describes")
        continue
      }
      guard let axes = arrays[name]?.shape.count,
        let directory = attempt(store.path(of: name), { try store.folder(name) }) ?? nil
      else { continue }
      let shard = ChunkNames.shard(axes: axes)
      let left = (attempt(directory.path, { try directory.names() }) ?? []).filter {
        packed == nil ? $0 == shard : $0 != shard && $0 != Directory.temporary
      }
      if let first = left.first {
        add(
          directory.path(of: first),
          (left.count > 1 ? "and \(left.count - 1) more beside it are" : "is")
            + " left of packing or unpacking that was interrupted: heed pack "
            + (packed == nil ? "goes on with it, heed pack --undo removes it" : "removes it"))
      }
    }
  }

  /// Whether each call has the chunks that the plan keeps of it.
  private mutating func checkKept(_ scope: Scope, _ layout: StoreLayout) {
    let names = Set(layout.recorded.map(\.name))
    for record in scope.records {
      let wanted = scope.manifest.plan?.keeps(record) ?? false ? names : []
      let there = Set(record.checksums.keys)
      for name in wanted.subtracting(there).sorted() {
        add(folder.journal, "call \(record.call): no chunk of \(name), which the plan keeps")
      }
      for name in there.subtracting(wanted).sorted() {
        add(folder.journal, "call \(record.call): a chunk of \(name), which the plan does not keep")
      }
    }
  }
}
