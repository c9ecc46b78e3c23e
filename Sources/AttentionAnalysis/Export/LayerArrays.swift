internal import AttentionTrace
internal import CKernels
internal import TensorEngine

// Unsafe: maps are read through a pointer within the counts of their shape; halves are written into
// an array of as many.

extension AlignedRuns {
  /// The axis of runs, if there are several.
  var runAxis: [ExportAxis] { runs.count > 1 ? [ExportAxis("run", count: runs.count)] : [] }

  /// The axis of calls, by their places in the export: a call's number in its run can be another in each
  /// run.
  func callAxis(_ calls: [[CallRecord]]) -> ExportAxis {
    ExportAxis(ExportAxis.calls, count: calls[0].count)
  }

  /// Each layer's maps as they were recorded, `[run, position, head, row, column, token]`, the first
  /// only for several runs.
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
  /// Gives the bytes of a call's maps to `sink`, `[head, row, column, token]`.
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
    let width = recorded.keys
    let plane = site.grid.pixels * width
    let heads = recorded.heads.indices.filter { self.heads.contains(recorded.heads[$0]) }
    let all = recorded.allKeys
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
  /// `[head, row, column, token]` of each layer; a name has a length behind it where layers differ.
  static func axes(of layers: [SelectedLayer]) -> [[ExportAxis]] {
    let parts: [(SelectedLayer) -> ExportAxis] = [
      { ExportAxis("head", $0.heads) },
      { ExportAxis("row", count: $0.site.grid.rows) },
      { ExportAxis("column", count: $0.site.grid.columns) },
      { ExportAxis($0.site.kind == .cross ? "token" : "key", $0.keys) },
    ]
    return layers.map { layer in
      parts.map { part in
        let axis = part(layer)
        let isOne = layers.map(part).allSatisfy { $0.name != axis.name || $0 == axis }
        return isOne ? axis : ExportAxis("\(axis.name)_\(axis.labels.count)", axis.labels)
      }
    }
  }
}
