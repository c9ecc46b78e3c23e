internal import Glibc
package import TensorEngine

/// Attention maps made by a formula, on which the arithmetic of losses can be checked without a
/// model: token n > 0 has a bump at row 5n mod 16 and column (7n + 3) mod 16.
package enum SyntheticMaps {
  /// Rows, and columns, of a map.
  package static let side = 16
  package static let tokens = 77

  /// Probabilities over tokens, `[row, column, token]`.
  package static let probabilities: [Double] = (0..<side * side).flatMap { pixel in
    let logits = (0..<tokens).map { token in
      let row = Double(pixel / side - 5 * token % side)
      let column = Double(pixel % side - (7 * token + 3) % side)
      return 3 * exp(-(row * row + column * column) / 18) + (token == 0 ? 4 : 0)
    }
    let sum = logits.reduce(0) { $0 + exp($1) }
    return logits.map { exp($0) / sum }
  }

  /// As float32, `[row, column, token]`.
  package static var tensor: Tensor {
    Tensor(probabilities.map(Float.init), shape: [side, side, tokens])
  }
}
