internal import AttentionTrace

/// One axis of an array: its name, and what stands at each place of it.
struct ExportAxis: Hashable, Sendable {
  let name: String
  /// Indices in the run or the model: of calls, heads, rows, tokens.
  let labels: [Int]

  init(_ name: String, _ labels: [Int]) {
    self.name = name
    self.labels = labels
  }

  init(_ name: String, count: Int) { self.init(name, Array(0..<count)) }

  /// Whether the labels only count.
  var isPlain: Bool { labels == Array(labels.indices) }
}
