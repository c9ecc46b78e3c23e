internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

// Unsafe: an array is filled through a pointer to it, one element of its type a call.

extension AlignedRuns {
  /// Names of the coordinates along `run`, for several runs.
  var runCoordinates: [String] { runs.count > 1 ? ["seed", "method_name"] : [] }

  /// Names of the coordinates along the axis of calls, and along `run`.
  var callCoordinates: [String] {
    ["call"] + CallCoordinate.allCases.map(\.rawValue) + runCoordinates
  }

  /// Names of the coordinates along the axes of one layer's maps.
  func coordinates(along axes: [ExportAxis], _ tables: BranchTables) -> [String] {
    axes.filter { $0.kind == "token" }.flatMap { axis in
      tables.entries.flatMap { entry in
        ["word", "piece"].map { axis.beside(tables.name($0, of: entry.branch)) }
      }
    }
  }

  /// What stands at each place of the axes of `arrays`.
  func coordinates(
    of arrays: [ExportedArray], _ calls: [[CallRecord]]?, _ tables: BranchTables
  ) -> [ExportedArray] {
    var axes: [ExportAxis] = []
    for axis in arrays.flatMap(\.axes) where !axes.contains(axis) { axes.append(axis) }
    return axes.flatMap { labels($0, tables) } + (calls.map(coordinates(of:)) ?? [])
      + (runs.count > 1 ? coordinatesOfRuns : [])
  }

  /// The labels of an axis; rows, columns and keys only count.
  private func labels(_ axis: ExportAxis, _ tables: BranchTables) -> [ExportedArray] {
    switch axis.kind {
    case "run":
      return [
        index(
          axis,
          ZarrAttributes(
            longName: "place of the run in this export", prompts: runs.map(\.manifest.tokens.prompt)
          ))
      ]
    case ExportAxis.calls:
      return [index(axis, ZarrAttributes(longName: "place along the arrays' axis of calls"))]
    case "head":
      let isMean = axis.labels == [-1]
      return [
        index(
          axis,
          ZarrAttributes(
            longName: isMean ? "-1 for the mean over the heads" : "head of the layer, from 0"))
      ]
    case "frame": return [index(axis, ZarrAttributes(longName: "frame of the video, from 0"))]
    case "token":
      let places = axis.sums.indices.map { "\(-1 - $0)" }.joined(separator: ", ")
      let sums = places.isEmpty ? "" : "; \(places) for sums over keys"
      return [index(axis, ZarrAttributes(longName: "place in the text's window" + sums))]
        + tables.entries.flatMap { entry in
          let name = { tables.name($0, of: entry.branch) }
          let text = entry.branch == .conditional ? "prompt" : "negative prompt"
          return [
            ExportedArray(
              coordinate: axis.beside(name("word")), [axis],
              ZarrAttributes(
                longName: "word of the \(text) that the token belongs to; <start>, <end> or "
                  + "<padding> for others"),
              texts: axis.labels.map { axis.sum(at: $0) ?? entry.table.label(of: $0) }),
            ExportedArray(
              coordinate: axis.beside(name("piece")), [axis],
              ZarrAttributes(longName: "the vocabulary's spelling of the token of the \(text)"),
              texts: axis.labels.map { axis.sum(at: $0) ?? entry.table.token($0)?.piece ?? "" }),
          ]
        }
    default: return []
    }
  }

  private func index(_ axis: ExportAxis, _ attributes: ZarrAttributes) -> ExportedArray {
    ExportedArray(
      coordinate: axis.name, [axis], .int32, attributes, axis.labels.map { Int32(clamping: $0) })
  }

  private func coordinates(of calls: [[CallRecord]]) -> [ExportedArray] {
    let axis = callAxis(calls)
    let all = calls.flatMap { $0 }
    let numbers = ExportedArray(
      coordinate: "call", runAxis + [axis], .int32,
      ZarrAttributes(longName: "number of the call in its run, from 0"),
      all.map { Int32(clamping: $0.call) })
    return [numbers]
      + CallCoordinate.allCases.map { coordinate in
        // Only losses differ between runs whose calls line up.
        let isOfRun = coordinate == .loss && runs.count > 1
        let (axes, calls) = isOfRun ? (runAxis + [axis], all) : ([axis], calls[0])
        if let texts = coordinate.texts(of: calls) {
          return ExportedArray(
            coordinate: coordinate.rawValue, axes,
            ZarrAttributes(longName: coordinate.exportedName), texts: texts)
        }
        return ExportedArray(
          coordinate: coordinate.rawValue, axes, coordinate.type,
          ZarrAttributes(longName: coordinate.exportedName), bytes: coordinate.bytes(of: calls))
      }
  }

  private var coordinatesOfRuns: [ExportedArray] {
    [
      ExportedArray(
        coordinate: "seed", runAxis, .uint64, ZarrAttributes(longName: "seed of the noise"),
        runs.map(\.manifest.seed)),
      // Not "method": that is an argument of xarray's own sel.
      ExportedArray(
        coordinate: "method_name", runAxis, ZarrAttributes(longName: "method of the run"),
        texts: runs.map(\.manifest.method.name)),
    ]
  }
}

extension CallCoordinate {
  /// What the coordinate is, in the words of the tables.
  fileprivate var exportedName: String {
    switch self {
    case .step: "iteration of the scheduler, from 0"
    case .timestep: "diffusion time of the scheduler in the step; not unique within a run"
    case .branch: "half of classifier-free guidance"
    case .phase: "what the pass was for"
    case .attempt: "try of iterative refinement, from 1; 0 outside"
    case .loss: "the objective's loss of the pass; NaN where it gave none"
    }
  }

  /// Its values for `calls` in words; `nil` for numbers.
  fileprivate func texts(of calls: [CallRecord]) -> [String]? {
    switch self {
    case .branch: calls.map(\.branch.rawValue)
    case .phase: calls.map(\.phase.rawValue)
    case .step, .timestep, .attempt, .loss: nil
    }
  }

  /// Its values for `calls`, little-endian.
  fileprivate func bytes(of calls: [CallRecord]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: calls.count * type.bytes)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      for (place, call) in calls.enumerated() { unsafe write(call, to: base + place * type.bytes) }
    }
    return bytes
  }
}
