private import Foundation

/// What T2I-CompBench says of its prompts beside their text: a category a file (`examples/dataset`).
enum T2ICompBenchPrompt {
  private static let categories = [
    "color", "shape", "texture", "spatial", "3d_spatial", "numeracy", "non_spatial", "complex",
  ]

  /// The category that a file's name begins with, as in `color_val.txt`; `nil` for another name.
  static func category(ofFile path: String) -> String? {
    let name = URL(fileURLWithPath: path).lastPathComponent
    return categories.first { name.hasPrefix($0 + "_") }
  }
}
