internal import Foundation
internal import TensorEngine

/// Writes the LaTeX that puts a figure into a paper: size, caption with the true numbers, label, alt text.
package enum TeXBackend {
  /// What a `.tex` file includes, and for whom.
  package struct Source: Sendable {
    /// The files that are included, relative to the folder of the `.tex` file: one, which may be a PDF of
    /// several pages, or one for each page.
    package var graphics: [String]
    /// Whose class the paper has; `nil` for one that nobody named.
    package var venue: Venue?

    /// A source that includes `graphics`.
    package init(graphics: [String], venue: Venue? = nil) {
      (self.graphics, self.venue) = (graphics, venue)
    }
  }

  /// Writes the text to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  package static func render(_ scenes: [Scene], _ source: Source, to path: String) throws {
    try writeAtomically(Array(text(scenes, source).utf8), to: path, throughLinks: true)
  }

  /// A `figure` environment around each page of a figure.
  ///
  /// With a venue the width is the page's own, so that type keeps its size; without one it is that of the
  /// line, which is wide enough on no other page. `alt` is read by graphicx of 2022 and later. The caption
  /// says what the figure does not print itself.
  package static func text(_ scenes: [Scene], _ source: Source) -> String {
    let folder =
      source.graphics.first.map { ($0 as NSString).deletingLastPathComponent } ?? ""
    var lines = [
      "% \\usepackage{graphicx}; the path is relative to this file's folder. In a paper elsewhere:",
      "% \\graphicspath{{\(folder.isEmpty ? "path/from/the/paper" : "path/from/the/paper/" + folder)/}}",
    ]
    if let warning = scenes.first.flatMap({ fontWarning($0) }) {
      lines.append("% Note: \(warning)")
    }
    for (index, scene) in scenes.enumerated() {
      lines += environment(scene, index, source)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What to tell the writer of a paper about characters of the caption that LaTeX's usual fonts lack, with
  /// what to do; `nil` if they have all.
  package static func fontWarning(_ scene: Scene) -> String? {
    let foreign = LaTeXText.unusual(in: scene.caption)
    guard !foreign.isEmpty else { return nil }
    return
      "LaTeX's usual fonts lack \(foreign.prefix(8).map { "\($0)" }.joined(separator: " ")) in the"
      + " caption; compile with lualatex or xelatex and a font that has them, or edit the caption"
  }

  private static func environment(_ scene: Scene, _ index: Int, _ source: Source) -> [String] {
    let isFullWidth =
      source.venue.map { $0.full > $0.column && scene.width > $0.column + 1 } ?? false
    let environment = isFullWidth ? "figure*" : "figure"
    // 72.27 points of TeX are an inch.
    let width =
      source.venue == nil
      ? "\\linewidth" : "\(NumberText.plain(scene.width / 72 * 72.27))pt"
    let isOneFile = source.graphics.count == 1
    let graphic = source.graphics[isOneFile ? 0 : index]
    let page = isOneFile && scene.pages > 1 ? "page=\(scene.page)," : ""
    let stem = ((source.graphics[0] as NSString).lastPathComponent as NSString)
      .deletingPathExtension
    let base = isOneFile || scene.pages == 1 ? stem : String(stem.dropLast(2))
    let label = base.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    let part = scene.pages > 1 ? " Page \(scene.page) of \(scene.pages)." : ""
    let full = LaTeXText.escaped(scene.caption + part)
    var lines = ["\\begin{\(environment)}"]
    // All pages are one figure, with one number.
    if scene.page > 1 { lines.append("  \\addtocounter{figure}{-1}") }
    lines += [
      "  \\centering",
      "  \\includegraphics[\(page)width=\(width),alt={\(full)}]{\(graphic)}",
    ]
    let isOfACM = source.venue == .acm || source.venue == .siggraph
    if isOfACM { lines.append("  \\Description{\(full)}") }
    if scene.page == 1 {
      lines += [
        "  \\caption{\(LaTeXText.escaped(scene.unprintedCaption + part))}",
        "  \\label{fig:\(label.isEmpty ? "sheet" : label)}",
      ]
    } else {
      lines.append("  \\caption{\(LaTeXText.escaped("Continued." + part))}")
    }
    return lines + ["\\end{\(environment)}"]
  }
}
