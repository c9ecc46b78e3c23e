internal import AttentionAnalysis
internal import AttentionTrace

// Unsafe: blocks of an array are read within the bytes that are lent; bytes are lent to a sink for
// the length of its call, which copies or hashes them and keeps no pointer.

/// An array as a table with a row for each number: its run, call, layer, cell and token, and the value.
///
/// Columns are those of the other tables where they have their names; the layer tells rows, columns and
/// heads of one array from those of another.
struct LongTable {
  private let array: ExportedArray
  /// Names of the columns before those of the array's last axes.
  private let leading: [String]
  /// The array's axes behind those of runs and calls.
  private let rest: [ExportAxis]
  /// What stands before the value, by place along runs and calls, then by axis and place.
  private let labels: [[[UInt8]]]
  private static let flushSize = 1 << 16

  /// - Parameter calls: The calls along the axis of calls, by run; `nil` without one.
  init(_ array: ExportedArray, _ calls: [[CallRecord]]?) {
    self.array = array
    let hasRuns = array.axes.first?.name == "run"
    let runs = hasRuns ? array.axes[0].labels : [0]
    let layer = array.layer.map { "\($0.path)," } ?? ""
    leading =
      ["run"] + (calls == nil ? [] : ["call"]) + (array.layer == nil ? [] : ["layer"])
    // One place for each run and call, of which the rows of a map begin alike.
    let beginnings = runs.flatMap { run in
      (calls?[run].map { "\(run),\($0.call),\(layer)" } ?? ["\(run),\(layer)"])
        .map { Array($0.utf8) }
    }
    rest = Array(array.axes.dropFirst((hasRuns ? 1 : 0) + (calls == nil ? 0 : 1)))
    labels = [beginnings] + rest.map { axis in axis.labels.map { Array("\($0),".utf8) } }
  }

  /// Names of the columns.
  var columns: [String] { leading + rest.map(\.kind) + ["value"] }

  /// The table's size in bytes, about: a value has nine digits, most labels have their longest.
  var estimate: Int {
    let row = labels.reduce(13) { $0 + ($1.map(\.count).max() ?? 0) }
    let rows = array.shape.reduce(1, *)
    return rows.multipliedReportingOverflow(by: row).overflow ? Int.max : rows * row
  }

  /// Gives the table's bytes to `sink`.
  func write(to sink: ByteSink) throws {
    var text = Array(CSV.line(columns).utf8)
    var row: [UInt8] = []
    var place = 0
    let last = labels[labels.count - 1]
    try unsafe array.write { bytes in
      for offset in stride(from: 0, to: bytes.count, by: array.type.bytes) {
        let (line, column) = place.quotientAndRemainder(dividingBy: last.count)
        if column == 0 { row = labels(ofLine: line) }
        text += row
        text += last[column]
        unsafe text += CSV.number(value(bytes, offset)).utf8
        text += CSV.lineEnd.utf8
        place += 1
        if text.count >= Self.flushSize {
          try unsafe text.withUnsafeBytes(sink)
          text.removeAll(keepingCapacity: true)
        }
      }
    }
    try unsafe text.withUnsafeBytes(sink)
  }

  /// What stands before each value of a line of the array: labels of all axes but the last.
  private func labels(ofLine line: Int) -> [UInt8] {
    var rest = line
    var parts: [[UInt8]] = []
    for labels in labels.dropLast().reversed() {
      let (next, place) = rest.quotientAndRemainder(dividingBy: labels.count)
      parts.append(labels[place])
      rest = next
    }
    return Array(parts.reversed().joined())
  }

  private func value(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float {
    unsafe array.type == .number(.float16)
      ? Float(
        Float16(
          bitPattern: UInt16(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))))
      : Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
  }
}
