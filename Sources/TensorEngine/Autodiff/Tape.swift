internal import Synchronization

/// The record of a computation, from a variable to whatever was made of it, for its gradient.
///
/// Nodes are indexed in the order of evaluation. Only what depends on a variable is written down,
/// and the backward walk visits only what the loss depends on: nothing off the path between them
/// costs anything. A tape serves one backward walk, which consumes it.
public final class Tape: Sendable {
  /// Where a value stands: which tape, and which node of it.
  package struct Place: Sendable {
    let tape: Tape
    let index: Int
  }

  /// One evaluated operation.
  package struct Node: Sendable {
    /// `nil` for a variable, and for what the walk has passed.
    var operation: Operation?
    /// Each input's node; `nil` for a constant.
    let parents: [Int?]
    let inputShapes: [[Int]]
    /// What the pullback needs of the forward evaluation, off the tape.
    var kept: [Tensor]
  }

  private let nodes = Mutex<[Node]>([])

  /// An empty tape.
  public init() {}

  /// A value whose gradient is wanted.
  public func variable(_ value: Tensor) -> Tensor {
    placed(value, Node(operation: nil, parents: [], inputShapes: [], kept: []))
  }

  func record(
    _ operation: Operation, _ inputs: [Tensor], _ evaluation: Operation.Evaluation
  ) -> Tensor {
    let node = Node(
      operation: operation,
      parents: inputs.map { input in
        precondition(
          input.place.map { $0.tape === self } ?? true, "inputs stand on two different tapes")
        return input.place?.index
      },
      inputShapes: inputs.map(\.shape), kept: evaluation.kept.map(\.detached))
    return placed(evaluation.output, node)
  }

  private func placed(_ value: Tensor, _ node: Node) -> Tensor {
    let index = nodes.withLock { nodes in
      nodes.append(node)
      return nodes.count - 1
    }
    return Tensor(
      storage: value.storage, shape: value.shape, place: Place(tape: self, index: index))
  }

  /// The gradient of a scalar with respect to a variable; all zero where none depends on the other.
  ///
  /// - Precondition: `loss` is a scalar, and `variable` was made by ``variable(_:)`` of this tape,
  ///   which no gradient has consumed yet.
  public func gradient(of loss: Tensor, withRespectTo variable: Tensor) -> Tensor {
    precondition(loss.count == 1, "gradient of a tensor of shape \(loss.shape)")
    guard let target = variable.place?.index else {
      preconditionFailure("gradient with respect to a constant")
    }
    guard let start = loss.place?.index else { return .full(0, shape: variable.shape) }
    return nodes.withLock { nodes in
      var gradients = [Tensor?](repeating: nil, count: start + 1)
      gradients[start] = .full(1, shape: loss.shape)
      for index in stride(from: start, to: target, by: -1) {
        guard let gradient = gradients[index], let operation = nodes[index].operation else {
          continue
        }
        let node = nodes[index]
        nodes[index].kept = []
        nodes[index].operation = nil
        gradients[index] = nil
        let wanted = node.parents.map { $0 != nil }
        let parts = operation.pullback(of: gradient, node, wanted: wanted)
        for (parent, part) in zip(node.parents, parts) {
          guard let parent, let part else { continue }
          gradients[parent] = gradients[parent].map { Operation.add($0, part).output } ?? part
        }
      }
      return gradients[target] ?? .full(0, shape: variable.shape)
    }
  }
}

extension Operation {
  /// Evaluates the operation, and writes it on the tape that an input stands on, if any does.
  func callAsFunction(_ inputs: Tensor...) -> Tensor { callAsFunction(inputs) }

  func callAsFunction(_ inputs: [Tensor]) -> Tensor {
    let evaluation = forward(inputs)
    guard let tape = inputs.lazy.compactMap(\.place).first?.tape else { return evaluation.output }
    return tape.record(self, inputs, evaluation)
  }
}
