internal import TensorEngine

extension RunCheck {
  /// Whether every acknowledged chunk of an array is there, whole, and holds what such maps can.
  mutating func checkChunks(
    _ scope: Scope, _ store: Directory, _ array: RecordedArray,
    _ precision: RecordingPlan.Precision, _ layout: StoreLayout, _ packed: PackedStore?
  ) {
    let path = "\(folder.store)/\(array.name)"
    guard let directory = attempt(path, { try store.folder(array.name) }) else { return }
    let places = directory.flatMap { layout.chunks(of: array.name, in: $0, packed: packed) }
    if packed != nil {
      let file = path + "/" + ChunkNames.shard(axes: array.shape.count + 1)
      guard let shard = attempt(file, { try places?.shard() }) else { return }
      if shard == nil {
        missing += scope.records.count { $0.checksums[array.name] != nil }
        return add(file, "is missing, with all chunks of the array")
      }
    }
    for record in scope.records {
      guard let written = record.checksums[array.name] else { continue }
      let file = places?.path(of: record.call) ?? path + "/" + array.chunkName(record.call)
      guard let bytes = attempt(file, { try places?.read(record.call) ?? nil }) else { continue }
      guard let bytes else {
        missing += 1
        add(
          file,
          (packed == nil ? "" : "chunk \(record.call) ") + "is missing, but listed in calls.jsonl")
        continue
      }
      chunks += 1
      let values = attempt(file) {
        try places?.locating(record.call) {
          try array.decode(bytes, precision, written: written, path: file)
        }
      }
      if let flaw = (values ?? nil).flatMap({ check($0, scope, array, precision) }) {
        add(file, (packed == nil ? "" : "chunk \(record.call) ") + flaw)
      }
    }
    if let directory, packed == nil { checkSurplus(scope, directory, array) }
  }

  /// What is wrong with a call's values; `nil` if nothing is.
  private mutating func check(
    _ values: Tensor, _ scope: Scope, _ array: RecordedArray, _ precision: RecordingPlan.Precision
  ) -> String? {
    guard values.isFinite else { return "holds numbers that are NaN or infinite" }
    guard case .maps(let recorded) = array, recorded.holdsEveryKey,
      scope.manifest.method.rowsSumToOne ?? true
    else { return nil }
    let keys = recorded.columns
    let tolerance = Self.tolerance(precision, keys: keys)
    rows += values.count / keys
    return values.firstRowNotSummingToOne(within: tolerance).map { row, sum in
      "\(Self.place(ofRow: row, in: recorded)): tokens sum to \(sum), expected 1 within "
        + "\(tolerance)"
    }
  }

  /// The head, frame and cell of a row of a call's maps, in words.
  private static func place(ofRow row: Int, in recorded: RecordedSite) -> String {
    let (pixels, columns) = (recorded.grid.pixels, recorded.grid.columns)
    let (pixel, frames) = (row % pixels, recorded.site.frames ?? 1)
    let head = recorded.headIndices[row / pixels / frames]
    return (head < 0 ? "mean of heads" : "head \(head)")
      + (recorded.site.frames == nil ? "" : ", frame \(row / pixels % frames)")
      + ", row \(pixel / columns), column \(pixel % columns)"
  }

  /// Whether no chunk is there that the journal does not have.
  ///
  /// A chunk is written before its line, so that the call after the last may have one.
  private mutating func checkSurplus(
    _ scope: Scope, _ directory: Directory, _ array: RecordedArray
  ) {
    guard scope.journalIsWhole, let names = attempt(directory.path, { try directory.names() })
    else { return }
    var (records, limit) = (scope.records, scope.records.count)
    if !scope.isComplete, let later = try? CallJournal.scan(scope.directory).records {
      // Meanwhile the recording may have gone on.
      (records, limit) = (later, later.count + 1)
    }
    let others = ["zarr.json", Directory.temporary, ChunkNames.shard(axes: array.shape.count + 1)]
    for name in names where !others.contains(name) {
      guard let call = array.call(ofChunk: name) else {
        add(directory.path(of: name), "is not a chunk of the array")
        continue
      }
      let isKnown = call < records.count && records[call].checksums[array.name] != nil
      if call < records.count ? !isKnown : call >= limit {
        add(
          directory.path(of: name),
          "calls.jsonl has no such chunk"
            + (scope.isComplete ? "" : "; resuming the run removes it"))
      }
    }
  }
}
