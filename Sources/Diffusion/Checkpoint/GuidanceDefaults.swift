package import AttentionTrace
private import Foundation
internal import TensorEngine

/// `guidance.json` beside a checkpoint: the settings in which a method differs from its paper.
package struct GuidanceDefaults: Sendable, Equatable {
  /// The grid Attend-and-Excite reads; `nil` for 1/32 of the picture.
  package let grid: Grid?
  /// α before its decay; `nil` for the paper's.
  package let scaleFactor: Double?
  /// Whether tokens from the end token on are left out of the renormalisation; `nil` for the rule
  /// by family.
  package let stopsAtEnd: Bool?
  /// The step size of ToMe's binding loss; `nil` for the paper's.
  package let tokenRate: Double?

  init(folder: String) throws {
    let path = folder + "/guidance.json"
    guard FileManager.default.fileExists(atPath: path) else {
      (grid, scaleFactor, stopsAtEnd, tokenRate) = (nil, nil, nil, nil)
      return
    }
    let root = try StrictJSON.read(path: path)
    tokenRate = try root.optionalMember("tome")?.optionalMember("token_rate")?.double()
    let method = try root.optionalMember("attend-and-excite")
    let resolution = try method?.optionalMember("attention_resolution")
    grid = try resolution.map { node in
      let sides = try node.integers()
      guard sides.count == 2, sides.allSatisfy({ $0 > 0 }) else {
        throw node.failure("expected rows and columns")
      }
      return Grid(rows: sides[0], columns: sides[1])
    }
    scaleFactor = try method?.optionalMember("scale_factor")?.double()
    stopsAtEnd = try method?.optionalMember("normalize_eot")?.bool()
  }
}
