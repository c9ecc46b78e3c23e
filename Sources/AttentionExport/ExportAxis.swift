internal import AttentionAnalysis
internal import AttentionTrace

/// One axis of an array: its name, and what stands at each place of it.
struct ExportAxis: Hashable, Sendable {
  /// The name of the axis of calls.
  static let calls = "position"

  let name: String
  /// Indices in the run or the model: of calls, heads, rows, tokens; -1 for the mean over heads, and -1,
  /// -2, … for ``sums``.
  let labels: [Int]
  /// Names of the columns behind the tokens that are sums over keys.
  let sums: [String]

  init(_ name: String, _ labels: [Int], sums: [String] = []) {
    self.name = name
    self.labels = labels
    self.sums = sums
  }

  init(_ name: String, count: Int) { self.init(name, Array(0..<count)) }

  /// The name without the length that tells axes of several layers apart.
  var kind: String { String(name.prefix { $0 != "_" }) }

  /// The name of a coordinate of this kind along the axis: it has the axis' length where that has one.
  func beside(_ kind: String) -> String { kind + name.dropFirst(self.kind.count) }

  /// What a label below 0 stands for, as in `<padding>`; `nil` for an index.
  func sum(at label: Int) -> String? {
    sums.indices.contains(-1 - label) ? "<\(sums[-1 - label])>" : nil
  }

  /// Whether the labels only count.
  var isPlain: Bool { labels == Array(labels.indices) }
}
