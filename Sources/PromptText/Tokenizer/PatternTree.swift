/// Values by sequences of scalars, of which the longest that begins a text is found without trying each.
package struct PatternTree<Value: Sendable>: Sendable {
  /// From a node to the next one by a scalar.
  private struct Step: Hashable, Sendable {
    let node: Int
    let scalar: Unicode.Scalar
  }

  /// Nodes are numbered from 0, the root, as they come.
  private var nodes: [Step: Int] = [:]
  /// The values of the sequences that end at a node.
  private var values: [Int: Value] = [:]

  /// A tree that holds nothing.
  package init() {}

  /// Whether it holds nothing, so that nothing begins any text.
  package var isEmpty: Bool { values.isEmpty }

  /// Adds the value of `scalars`, of which there must be one at least; a value that is there already stays.
  package mutating func add(_ value: Value, of scalars: some Sequence<Unicode.Scalar>) {
    var node = 0
    for scalar in scalars {
      let step = Step(node: node, scalar: scalar)
      node = nodes[step] ?? nodes.count + 1
      nodes[step] = node
    }
    if node > 0, values[node] == nil { values[node] = value }
  }

  /// The value of the longest sequence that `text` begins with, and its length.
  package func longest(in text: some Sequence<Unicode.Scalar>) -> (value: Value, length: Int)? {
    var (node, length) = (0, 0)
    var found: (value: Value, length: Int)?
    for scalar in text {
      guard let next = nodes[Step(node: node, scalar: scalar)] else { break }
      (node, length) = (next, length + 1)
      if let value = values[node] { found = (value, length) }
    }
    return found
  }
}
