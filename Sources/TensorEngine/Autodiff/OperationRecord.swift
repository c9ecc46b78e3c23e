/// One operation that was evaluated, or whose pullback was: on what, and how long it took.
package struct OperationRecord: Sendable {
  /// The operation.
  package let operation: Operation
  /// Each input's extents.
  package let inputShapes: [[Int]]
  /// The output's extents.
  package let outputShape: [Int]
  /// For a pullback, whether each input's gradient was computed; `nil` for an evaluation.
  package let gradients: [Bool]?
  /// Wall time.
  package let duration: Duration

  /// Multiply-adds of the direct method; see ``Operation/multiplyAdds(_:_:)``.
  package var multiplyAdds: Int {
    guard let gradients else { return operation.multiplyAdds(inputShapes, outputShape) }
    return operation.pullbackMultiplyAdds(inputShapes, outputShape, wanted: gradients)
  }

  /// The kind of work it was.
  package var kind: WorkKind { operation.kind(inputShapes) }
}

/// Observes operations as they are evaluated.
package protocol OperationObserver: Sendable {
  /// Takes note of one.
  func observe(_ record: OperationRecord)
}

extension Operation {
  /// The observer of the current task's operations; `nil` by default.
  @TaskLocal package static var observer: (any OperationObserver)?

  /// ``forward(_:)``, reported to the observer if there is one.
  func observedForward(_ inputs: [Tensor]) -> Evaluation {
    guard let observer = Self.observer else { return forward(inputs) }
    let start = ContinuousClock.now
    let evaluation = forward(inputs)
    observer.observe(
      OperationRecord(
        operation: self, inputShapes: inputs.map(\.shape), outputShape: evaluation.output.shape,
        gradients: nil, duration: ContinuousClock.now - start))
    return evaluation
  }

  /// ``pullback(of:_:wanted:)``, reported to the observer if there is one.
  func observedPullback(of gradient: Tensor, _ node: Tape.Node, wanted: [Bool]) -> [Tensor?] {
    guard let observer = Self.observer else {
      return pullback(of: gradient, node, wanted: wanted)
    }
    let start = ContinuousClock.now
    let parts = pullback(of: gradient, node, wanted: wanted)
    observer.observe(
      OperationRecord(
        operation: self, inputShapes: node.inputShapes, outputShape: gradient.shape,
        gradients: wanted, duration: ContinuousClock.now - start))
    return parts
  }
}
