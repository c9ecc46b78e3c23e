internal import AttentionAnalysis
internal import AttentionTrace
internal import CKernels
internal import TensorEngine

// Unsafe: maps are read through a pointer within the counts of their shape; halves are written into
// an array of as many.

extension AlignedRuns {
  /// Whether any call was measured by an objective.
  var areMeasured: Bool {
    runs.contains { $0.calls.contains { !($0.measurement?.scores ?? []).isEmpty } }
  }

  /// What rows sum to, in sentences.
  var sums: String {
    let isRecorded = { (run: RecordedRun) in run.manifest.provenance.recorder != nil }
    let free = runs.filter { $0.manifest.method.rowsSumToOne == false }
    func titles(_ runs: [RecordedRun]) -> String {
      Set(runs.map(\.manifest.method.figureTitle)).sorted().joined(separator: ", ")
    }
    let (kept, changed) = (free.filter(isRecorded), free.filter { !isRecorded($0) })
    let sums =
      free.count == runs.count
      ? ""
      : "Over all keys of a layer (the tokens of the text, the picture's own cells in self-attention, "
        + "both in joint attention) each row sums to 1, up to the rounding of the stored type; a selection "
        + "of tokens sums to less."
    let facts = [
      sums,
      changed.isEmpty
        ? ""
        : "Rows of \(titles(changed)) need not sum to 1: attention was changed there, and the maps are "
          + "those that the picture was made with.",
      kept.isEmpty
        ? "" : "Rows of \(titles(kept)) need not sum to 1: the maps are kept as they were given.",
    ]
    return facts.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// How maps were reduced when they were recorded, in sentences with a space before each; empty where they
  /// were not.
  var reductions: String {
    let sums = layers.flatMap { layer in
      layer.recorded.summedColumns.filter { _ in layer.keys.contains { $0 < 0 } }.map(\.name)
    }
    let sites = layers.map(\.recorded)
    let facts = [
      sites.contains { $0.site.kind == .joint }
        ? "In joint attention the keys are the text's tokens and the picture's own cells." : "",
      sums.contains(RecordedSite.SummedColumn.padding)
        ? "The column <padding> is the sum over every key of the text that has no column." : "",
      sums.contains(RecordedSite.SummedColumn.image)
        ? "The column <image> is the sum over every key of the picture." : "",
      sites.contains { $0.reducedHeads != nil } ? "Head -1 is the mean over the heads." : "",
      sites.contains { $0.grid != $0.site.grid }
        ? "Larger grids were averaged by area when they were recorded." : "",
    ]
    return facts.filter { !$0.isEmpty }.map { " " + $0 }.joined()
  }

  /// The axis of runs, if there are several.
  var runAxis: [ExportAxis] { runs.count > 1 ? [ExportAxis("run", count: runs.count)] : [] }

  /// The axis of calls, by their places in the export: a call's number in its run can be another in each
  /// run.
  func callAxis(_ calls: [[CallRecord]]) -> ExportAxis {
    ExportAxis(ExportAxis.calls, count: calls[0].count)
  }

  /// Each layer's maps as they were recorded, `[run, position, head, row, column, token]`, the first
  /// only for several runs; frames of a video stand behind heads.
  func layerArrays(
    _ calls: [[CallRecord]], _ precision: RecordingPlan.Precision?, _ tables: BranchTables
  ) -> [ExportedArray] {
    let leading = runAxis + [callAxis(calls)]
    return zip(layers, MapAxes.axes(of: layers)).map { layer, axes in
      let precision = precision ?? runs[0].precision
      let path = layer.site.path
      return unsafe ExportedArray(
        name: path, layer: layer.site, axes: leading + axes, type: precision.type,
        attributes: ZarrAttributes(
          longName: "\(layer.site.kind.rawValue)-attention probabilities", units: "1",
          coordinates: (callCoordinates + coordinates(along: axes, tables)).joined(separator: " ")),
        outer: leading.count, missing: missing(of: path, calls)
      ) { [runs] block, sink in
        let (run, place) = block.quotientAndRemainder(dividingBy: calls[0].count)
        try unsafe layer.write(runs[run], calls[run][place], as: precision, to: sink)
      }
    }
  }

  /// Blocks whose chunk is missing, or was not recorded with the call's others.
  private func missing(of path: String, _ calls: [[CallRecord]]) -> Set<Int> {
    var blocks: Set<Int> = []
    for (run, own) in calls.enumerated() {
      let gone = runs[run].missingChunks(of: path)
      for (place, call) in own.enumerated()
      where gone.contains(call.call) || call.checksums[path] == nil {
        blocks.insert(run * own.count + place)
      }
    }
    return blocks
  }
}

extension SelectedLayer {
  /// Gives the bytes of a call's maps to `sink`, in the layer's shape.
  fileprivate func write(
    _ run: RecordedRun, _ call: CallRecord, as precision: RecordingPlan.Precision,
    to sink: ByteSink
  ) throws {
    if isWhole && precision == run.precision {
      return try unsafe run.withChunk(of: recorded, call: call.call, sink)
    }
    guard let maps = try run.maps(site.path, call: call.call) else {
      bug("call \(call.call) of \(site.path) was not recorded")
    }
    try unsafe precision.encode(selected(maps), to: sink)
  }

  /// The heads and keys taken.
  func selected(_ maps: Tensor) -> [Float] {
    let width = recorded.columns
    let plane = (site.frames ?? 1) * grid.pixels * width
    let heads = recorded.headIndices.indices.filter {
      self.heads.contains(recorded.headIndices[$0])
    }
    let all = recorded.columnIndices
    let wanted = Set(keys)
    let columns = all.indices.filter { wanted.contains(all[$0]) }
    var values: [Float] = []
    values.reserveCapacity(shape.reduce(1, *))
    unsafe maps.withPointer { source in
      for head in heads {
        let head = unsafe UnsafeBufferPointer(start: source + head * plane, count: plane)
        if columns.count == width {
          unsafe values += head
        } else {
          for row in stride(from: 0, to: plane, by: width) {
            for column in columns { unsafe values.append(head[row + column]) }
          }
        }
      }
    }
    return values
  }
}

extension RecordingPlan.Precision {
  /// Gives the bytes of numbers to `sink`, little-endian.
  func encode(_ values: [Float], to sink: ByteSink) throws {
    switch self {
    case .float32: try unsafe values.withUnsafeBytes(sink)
    case .float16:
      let halves = unsafe [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
        if let base = buffer.baseAddress { unsafe ck_float_to_half(values, base, values.count) }
        count = values.count
      }
      try unsafe halves.withUnsafeBytes(sink)
    }
  }
}

/// The axes of layers' maps, named so that a name has one length and one meaning.
enum MapAxes {
  /// `[head, row, column, token]` of each layer, with `frame` behind `head` where it has frames; a name has
  /// a length behind it where layers differ.
  static func axes(of layers: [SelectedLayer]) -> [[ExportAxis]] {
    let parts: [(SelectedLayer) -> ExportAxis?] = [
      { ExportAxis("head", $0.heads) },
      { layer in layer.site.frames.map { ExportAxis("frame", count: $0) } },
      { ExportAxis("row", count: $0.grid.rows) },
      { ExportAxis("column", count: $0.grid.columns) },
      { layer in
        ExportAxis(
          layer.site.kind.readsText ? "token" : "key", layer.keys,
          sums: layer.keys.contains { $0 < 0 } ? layer.recorded.summedColumns.map(\.name) : [])
      },
    ]
    return layers.map { layer in
      parts.compactMap { part in
        guard let axis = part(layer) else { return nil }
        let isOne = layers.compactMap(part).allSatisfy { $0.name != axis.name || $0 == axis }
        return isOne
          ? axis : ExportAxis("\(axis.name)_\(axis.labels.count)", axis.labels, sums: axis.sums)
      }
    }
  }
}
