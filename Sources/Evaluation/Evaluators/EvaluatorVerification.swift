package import Diffusion

/// Computes every tensor that an evaluator's golden file has, and says how far each is off.
package protocol EvaluatorVerification {
  /// What is verified, in order.
  var names: [String] { get }
  /// Computes what `name` names.
  /// - Throws: `FileError` when the golden file is not as its kind should be; what computing it throws.
  mutating func verify(_ name: String) throws -> CheckpointVerification.Line
}

extension EvaluatorFolder {
  /// What verifies the evaluator in this folder against the goldens beside it.
  /// - Parameter tolerance: the largest error of vectors, cosines and logits that passes; `nil` for 10⁻⁴.
  /// - Throws: what opening the evaluator throws; `FileError` when there are no goldens.
  package func verification(tolerance: Double? = nil) throws -> any EvaluatorVerification {
    let tolerance = tolerance ?? 1e-4
    switch kind {
    case .clip: return try CLIPVerification(self, tolerance: tolerance)
    case .owlvit, .owlv2: return try OWLViTVerification(self, tolerance: tolerance)
    case .blip: return try blipVerification(tolerance: tolerance)
    }
  }
}
