internal import TensorEngine

/// Writes the LaTeX that puts a figure into a paper: size, caption with the true numbers, label, alt text.
package enum TeXBackend {
  /// Writes the text to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  package static func render(_ scene: Scene, graphics: String, to path: String) throws {
    try writeAtomically(Array(text(scene, graphics: graphics).utf8), to: path, throughLinks: true)
  }

  /// A `figure` environment around the file `graphics`.
  ///
  /// The width is the scene's own, so that type keeps its size; `alt` is read by graphicx of 2022 and
  /// later.
  package static func text(_ scene: Scene, graphics: String) -> String {
    // 72.27 points of TeX are an inch.
    let width = NumberText.plain(scene.width / 72 * 72.27)
    let label = graphics.split(separator: "/").last?.split(separator: ".").first ?? "sheet"
    let environment = scene.width > 400 ? "figure*" : "figure"
    return """
      \\begin{\(environment)}
        \\centering
        \\includegraphics[width=\(width)pt,alt={\(escaped(scene.caption))}]{\(graphics)}
        \\caption{\(escaped(scene.caption))}
        \\label{fig:\(label.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })}
      \\end{\(environment)}

      """
  }

  /// Text in which nothing is a command.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\textbackslash{}"
      case "&", "%", "$", "#", "_", "{", "}": result += "\\\(character)"
      case "~": result += "\\textasciitilde{}"
      case "^": result += "\\textasciicircum{}"
      case "<": result += "\\textless{}"
      case ">": result += "\\textgreater{}"
      case "×": result += "$\\times$"
      case "−": result += "$-$"
      case "√": result += "$\\surd$"
      case "“": result += "``"
      case "”": result += "''"
      case "’": result += "'"
      case _ where character.isNewline: result += " "
      default: result.append(character)
      }
    }
  }
}
