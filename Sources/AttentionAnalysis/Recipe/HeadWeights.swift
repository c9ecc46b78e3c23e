private import TensorEngine

/// The weight of each head of each layer.
public struct HeadWeights: Hashable, Sendable {
  /// How a recipe names its weights.
  public enum Reference: Hashable, Sendable, CustomStringConvertible {
    /// The same weights for every layer, by head.
    case inline([Float])
    /// A file, as ``HeadWeights/init(contentsOf:)`` reads it.
    case file(String)

    /// As it is written in a recipe: numbers, or `@weights.json`.
    public var description: String {
      switch self {
      case .inline(let weights): weights.map { String($0) }.joined(separator: " ")
      case .file(let path): "@\(path)"
      }
    }
  }

  /// `[head]` weights by site path.
  public let layers: [String: [Float]]

  /// Weights of `layers`, `[head]` by site path.
  public init(layers: [String: [Float]]) { self.layers = layers }

  /// Reads a JSON object of lists of numbers by layer, as `heed analyze --report heads -o` writes.
  /// - Throws: `FileError` when the file is missing or is not such an object.
  public init(contentsOf path: String) throws {
    let document = try StrictJSON.read(path: path)
    var layers: [String: [Float]] = [:]
    for layer in try document.object().keys {
      layers[layer] = try document.member(layer).elements().map { Float(try $0.double()) }
    }
    self.layers = layers
  }

  /// The weights that `recipe` names, by path.
  /// - Throws: as ``init(contentsOf:)``.
  package static func named(by recipe: Recipe) throws -> [String: HeadWeights] {
    var weights: [String: HeadWeights] = [:]
    for path in recipe.weightFiles { weights[path] = try HeadWeights(contentsOf: path) }
    return weights
  }

  /// The object that ``init(contentsOf:)`` reads, one line per layer.
  public var json: String {
    let lines = layers.sorted { $0.key < $1.key }.map { layer, weights in
      "  \"\(layer)\": [\(weights.map { String($0) }.joined(separator: ", "))]"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }
}
