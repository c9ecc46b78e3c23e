internal import AttentionTrace
internal import PromptText

// Unsafe: an array is filled through a pointer to it, one element of its type a call.

extension AlignedRuns {
  /// Names of the coordinates along `run`.
  var runCoordinates: [String] { runs.count > 1 ? ["seed", "method"] : [] }

  /// Names of the coordinates along `call`, and along `run`.
  var callCoordinates: [String] {
    CallCoordinate.allCases.map(\.rawValue) + (runs.count > 1 ? ["call_of_run"] : [])
      + runCoordinates
  }

  /// What stands at each place of the axes of `arrays`.
  func coordinates(of arrays: [ExportedArray], _ calls: [[CallRecord]]?) -> [ExportedArray] {
    var axes: [ExportAxis] = []
    for axis in arrays.flatMap(\.axes) where !axes.contains(axis) { axes.append(axis) }
    return axes.compactMap(index) + (calls.map(coordinates(of:)) ?? [])
      + (runs.count > 1 ? coordinatesOfRuns : [])
  }

  /// The labels of an axis; rows, columns and keys only count.
  private func index(_ axis: ExportAxis) -> ExportedArray? {
    guard let kind = axis.name.split(separator: "_").first else { return nil }
    let table = runs[0].manifest.tokens
    let attributes: ZarrAttributes
    switch kind {
    case "run":
      attributes = ZarrAttributes(
        longName: "position of the run in this export",
        prompts: runs.map(\.manifest.tokens.prompt))
    case "call":
      attributes = ZarrAttributes(
        longName: runs.count > 1 ? "position of the call in this export" : "position in the run")
    case "head": attributes = ZarrAttributes(longName: "head of the layer, from 0")
    case "token":
      attributes = ZarrAttributes(
        longName: "position in the prompt's window",
        pieces: axis.labels.map { table.token($0)?.piece ?? "" },
        words: axis.labels.map { table.word(of: $0)?.text ?? "" })
    default: return nil
    }
    return ExportedArray(
      coordinate: axis.name, [axis], .int32, attributes, axis.labels.map { Int32(clamping: $0) })
  }

  private func coordinates(of calls: [[CallRecord]]) -> [ExportedArray] {
    let axis = callAxis(calls)
    var arrays = CallCoordinate.allCases.map { coordinate in
      // Only losses differ between runs whose calls line up.
      let isOfRun = coordinate == .loss && runs.count > 1
      return ExportedArray(
        coordinate: coordinate.rawValue, (isOfRun ? runAxis : []) + [axis], coordinate.type,
        coordinate.attributes,
        bytes: coordinate.bytes(of: isOfRun ? calls.flatMap { $0 } : calls[0]))
    }
    if runs.count > 1 {
      arrays.append(
        ExportedArray(
          coordinate: "call_of_run", runAxis + [axis], .int32,
          ZarrAttributes(longName: "position of the call in its run"),
          calls.flatMap { $0 }.map { Int32(clamping: $0.call) }))
    }
    return arrays
  }

  private var coordinatesOfRuns: [ExportedArray] {
    var methods: [String] = []
    for run in runs where !methods.contains(run.manifest.method.name) {
      methods.append(run.manifest.method.name)
    }
    return [
      ExportedArray(
        coordinate: "seed", runAxis, .uint64, ZarrAttributes(longName: "seed of the noise"),
        runs.map(\.manifest.seed)),
      ExportedArray(
        coordinate: "method", runAxis, .int8,
        ZarrAttributes(
          longName: "method of the run", flagValues: Array(methods.indices),
          flagMeanings: methods.joined(separator: " ")),
        runs.map { Int8(clamping: methods.firstIndex(of: $0.manifest.method.name) ?? -1) }),
    ]
  }
}

extension CallCoordinate {
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

extension TokenTable {
  /// The token at a position; `nil` for one that the table lacks.
  func token(_ index: Int) -> Token? { tokens.indices.contains(index) ? tokens[index] : nil }

  /// The word that a token belongs to, if it does to one.
  func word(of index: Int) -> Word? {
    guard let word = token(index)?.word, words.indices.contains(word) else { return nil }
    return words[word]
  }
}
