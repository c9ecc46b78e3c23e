import Evaluation
import Foundation
import Pictures
import TensorEngine

/// Where the evaluators are that tests read, and pictures for them.
enum Evaluators {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

  /// Tiny random evaluators with goldens, made by `make_tiny_evaluators.py`, by their folders' names.
  static let tiny = ["clip-gelu", "clip-sharp", "owlvit-tiny", "owlv2-tiny"]

  /// Those that come with Heed.
  static let embedded = ["clip", "owlvit"]

  /// The folder of an evaluator, of either kind.
  static func folder(_ name: String) -> String {
    embedded.contains(name) ? EvaluatorFolder.embedded(name) : fixtures + "/" + name
  }

  /// A picture of a golden file.
  static func picture(_ index: Int, of name: String) throws -> Picture {
    let file = try SafetensorsFile(path: folder(name) + "/golden.safetensors")
    return try picture("picture.\(index)", in: file)
  }

  /// A picture that a file of tensors holds as `[row, column, channel]`.
  static func picture(_ name: String, in file: SafetensorsFile) throws -> Picture {
    let shape = file.entry(name)?.shape ?? [0, 0]
    return Picture(
      width: shape[1], height: shape[0], pixels: try file.integers(name).map(UInt8.init))
  }
}
