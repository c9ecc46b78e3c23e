public import TensorEngine

extension RecordedRun {
  /// The frames of its maps; 1 for a picture.
  public var frames: Int { arrays.values.map { $0.site.frames ?? 1 }.max() ?? 1 }

  /// The same run with the maps of one frame alone: its ``sites`` have no frames, and its maps are
  /// `[head, row, column, token]`.
  /// - Throws: `TraceError.notRecorded` for a frame that a site does not have.
  public func taking(frame: Int) throws -> RecordedRun {
    let least = arrays.values.map { $0.site.frames ?? 1 }.min() ?? 1
    guard (0..<least).contains(frame) else {
      throw TraceError.notRecorded(
        path: folder.store, what: "frame \(frame)", choices: "frames 0..\(least - 1)")
    }
    return withoutFrames(selecting: frame)
  }

  /// The maps of one frame of a site in a call, `[head, row, column, token]`; `nil` if they were not
  /// recorded.
  /// - Throws: as ``maps(_:call:)`` and ``taking(frame:)``.
  public func maps(_ site: String, call: Int, frame: Int) throws -> Tensor? {
    try taking(frame: frame).maps(site, call: call)
  }
}

extension RecordedSite {
  /// The same of a layer that has one frame.
  package var withoutFrames: RecordedSite {
    RecordedSite(
      site: AttentionSite(
        path: site.path, kind: site.kind, heads: site.heads, grid: site.grid, keys: site.keys,
        width: site.width),
      heads: heads, tokens: tokens, reducedHeads: reducedHeads, summedColumns: summedColumns,
      grid: grid)
  }

  /// The mean over the frames of a call's maps, `[head, frame, row, column, token]`, or the maps of one.
  /// - Returns: `[head, row, column, token]`.
  package func reduced(_ maps: Tensor, frame: Int? = nil) -> Tensor {
    guard let frames = site.frames else { return maps }
    let plane = grid.pixels * columns
    let chosen = frame.map { [$0] } ?? Array(0..<frames)
    var values = [Float](repeating: 0, count: headIndices.count * plane)
    maps.withSpan { maps in
      for head in headIndices.indices {
        for cell in 0..<plane {
          var sum = 0.0
          for frame in chosen { sum += Double(maps[(head * frames + frame) * plane + cell]) }
          values[head * plane + cell] = Float(sum / Double(chosen.count))
        }
      }
    }
    return Tensor(values, shape: [headIndices.count, grid.rows, grid.columns, columns])
  }
}
