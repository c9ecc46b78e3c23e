internal import AttentionTrace

/// One axis of an array: its name, and what stands at each place of it.
struct ExportAxis: Hashable, Sendable {
  /// The name of the axis of calls.
  static let calls = "position"

  let name: String
  /// Indices in the run or the model: of calls, heads, rows, tokens.
  let labels: [Int]

  init(_ name: String, _ labels: [Int]) {
    self.name = name
    self.labels = labels
  }

  init(_ name: String, count: Int) { self.init(name, Array(0..<count)) }

  /// The name without the length that tells axes of several layers apart.
  var kind: String { String(name.prefix { $0 != "_" }) }

  /// The name of a coordinate of this kind along the axis: it has the axis' length where that has one.
  func beside(_ kind: String) -> String { kind + name.dropFirst(self.kind.count) }

  /// Whether the labels only count.
  var isPlain: Bool { labels == Array(labels.indices) }
}
