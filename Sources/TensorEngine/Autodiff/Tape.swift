internal import Synchronization

/// The record of a computation on variables, from which gradients are computed.
///
/// Nodes are indexed in the order of evaluation. Only what depends on a variable is written down,
/// and the backward walk visits only the path between it and the loss. A tape serves one backward
/// walk, which consumes it: what is computed from its tensors afterwards is constant.
public final class Tape: Sendable {
  /// The place of a value: a tape, and a node of it.
  package struct Place: Sendable {
    let tape: Tape
    let index: Int
  }

  /// One evaluated operation.
  package struct Node: Sendable {
    /// `nil` for a variable.
    let operation: Operation?
    /// Each input's node; `nil` for a constant.
    let parents: [Int?]
    let inputShapes: [[Int]]
    /// What the pullback needs of the forward evaluation, off the tape.
    var kept: [Tensor]
  }

  private struct Record {
    var nodes: [Node] = []
    var isConsumed = false
  }

  private let record = Mutex(Record())

  /// An empty tape.
  public init() {}

  /// A value whose gradient is wanted.
  public func variable(_ value: Tensor) -> Tensor {
    guard !record.withLock(\.isConsumed) else {
      bug("a variable on a tape that a gradient consumed")
    }
    return placed(value, Node(operation: nil, parents: [], inputShapes: [], kept: []))
  }

  func write(
    _ operation: Operation, _ inputs: [Tensor], _ evaluation: Operation.Evaluation
  ) -> Tensor {
    let node = Node(
      operation: operation,
      parents: inputs.map { input in
        guard input.place?.tape ?? self === self else {
          bug("inputs stand on two different tapes")
        }
        return input.place?.index
      },
      inputShapes: inputs.map(\.shape), kept: evaluation.kept.map(\.detached))
    return placed(evaluation.output, node)
  }

  private func placed(_ value: Tensor, _ node: Node) -> Tensor {
    let index: Int? = record.withLock { record in
      guard !record.isConsumed else { return nil }
      record.nodes.append(node)
      return record.nodes.count - 1
    }
    guard let index else { return value.detached }
    return Tensor(
      storage: value.storage, shape: value.shape, place: Place(tape: self, index: index))
  }

  /// How many nodes have been written down and not yet consumed.
  package var nodeCount: Int { record.withLock { $0.nodes.count } }

  /// The nodes on the way from `variable` to `loss`, both included, in the order of evaluation:
  /// what the backward walk visits.
  package func path(from variable: Tensor, to loss: Tensor) -> [Int] {
    guard let target = variable.place?.index, let start = loss.place?.index else { return [] }
    let onPath = record.withLock { Self.onPath($0.nodes, from: target, to: start) }
    return onPath.indices.filter { onPath[$0] }
  }

  /// For each node up to `start`, whether it comes from `target` and `start` comes from it.
  private static func onPath(_ nodes: [Node], from target: Int, to start: Int) -> [Bool] {
    var fromTarget = [Bool](repeating: false, count: start + 1)
    var result = fromTarget
    guard target <= start else { return result }
    for index in target...start {
      fromTarget[index] =
        index == target || nodes[index].parents.contains { $0.map { fromTarget[$0] } ?? false }
    }
    result[start] = fromTarget[start]
    for index in stride(from: start, to: target, by: -1) where result[index] {
      for case let parent? in nodes[index].parents where fromTarget[parent] {
        result[parent] = true
      }
    }
    return result
  }

  /// The gradient of a scalar with respect to a variable, or to anything computed from one; all
  /// zero where the one does not depend on the other.
  ///
  /// - Precondition: `loss` is a scalar, `variable` is on this tape, and no gradient has
  ///   consumed the tape yet.
  public func gradient(of loss: Tensor, withRespectTo variable: Tensor) -> Tensor {
    guard loss.count == 1 else { bug("gradient of a tensor of shape \(loss.shape)") }
    guard let target = variable.place, target.tape === self,
      loss.place.map({ $0.tape === self }) ?? true
    else { bug("gradient of or to a tensor that is not on this tape") }
    var nodes = record.withLock { record in
      guard !record.isConsumed else { bug("a second gradient from one tape") }
      defer { record = Record(isConsumed: true) }
      return record.nodes
    }
    guard let start = loss.place?.index else { return .full(0, shape: variable.shape) }

    let onPath = Self.onPath(nodes, from: target.index, to: start)
    var gradients = [Tensor?](repeating: nil, count: max(start, target.index) + 1)
    gradients[start] = .full(1, shape: loss.shape)
    for index in stride(from: start, to: target.index, by: -1) where onPath[index] {
      let node = nodes[index]
      guard let gradient = gradients[index], let operation = node.operation else { continue }
      // What the node kept is freed as soon as its pullback is done.
      nodes[index].kept = []
      gradients[index] = nil
      let wanted = node.parents.map { $0.map { onPath[$0] } ?? false }
      let parts = operation.observedPullback(of: gradient, node, wanted: wanted)
      for (input, part) in parts.enumerated() where wanted[input] {
        guard let parent = node.parents[input], let part else { continue }
        gradients[parent] = gradients[parent].map { Operation.add($0, part).output } ?? part
      }
    }
    return gradients[target.index] ?? .full(0, shape: variable.shape)
  }
}

extension Operation {
  /// Evaluates the operation, and writes it on the tape of an input, if one is on a tape.
  package func callAsFunction(_ inputs: Tensor...) -> Tensor { callAsFunction(inputs) }

  package func callAsFunction(_ inputs: [Tensor]) -> Tensor {
    let evaluation = observedForward(inputs)
    guard let tape = inputs.lazy.compactMap(\.place).first?.tape else { return evaluation.output }
    return tape.write(self, inputs, evaluation)
  }
}
