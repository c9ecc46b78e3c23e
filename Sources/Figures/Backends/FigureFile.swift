internal import Foundation

/// A file that a sheet is written to, in the format of its ending.
struct FigureFile {
  /// The formats, named as the endings of their files.
  enum Format: String {
    case pdf
    case png
    case apng
    case svg
    case json
    case tex
  }

  let path: String
  let format: Format
  /// The file that a `.tex` includes.
  private let graphic: String

  /// The files at `paths`.
  /// - Parameter isAnimated: whether the sheet can be shown step by step.
  /// - Throws: ``FigureError/unsuitableOutput(path:reason:)``.
  static func files(_ paths: [String], isAnimated: Bool) throws -> [FigureFile] {
    let formats = try paths.map(format)
    let graphic = [Format.pdf, .png].lazy.compactMap { formats.firstIndex(of: $0) }.first
    return try zip(paths, formats).map { path, format in
      if format == .apng, !isAnimated {
        throw FigureError.unsuitableOutput(
          path: path,
          reason: "an animation shows one panel of maps over the steps; this layout has none")
      }
      if format == .tex, graphic == nil {
        throw FigureError.unsuitableOutput(
          path: path, reason: "a .tex includes a .pdf or .png; write one with it")
      }
      return FigureFile(
        path: path, format: format,
        graphic: graphic.map { URL(fileURLWithPath: paths[$0]).lastPathComponent } ?? "")
    }
  }

  private static func format(of path: String) throws -> Format {
    guard let format = Format(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased())
    else {
      throw FigureError.unsuitableOutput(
        path: path, reason: "a sheet is a .pdf, .png, .apng, .svg, .json or .tex")
    }
    return format
  }

  /// Draws the file.
  /// - Parameters:
  ///   - still: the sheet, unless only animations are written.
  ///   - frames: the sheet step by step, if an animation is written.
  func write(_ still: Scene?, frames: [Scene], dpi: Double) throws {
    if format == .apng { return try APNGBackend.render(frames, dpi: dpi, to: path) }
    guard let still else { return }
    switch format {
    case .pdf: try PDFBackend.render(still, to: path)
    case .png: try PNGBackend.render(still, dpi: dpi, to: path)
    case .svg: try SVGBackend.render(still, to: path)
    case .json: try JSONBackend.render(still, to: path)
    case .tex: try TeXBackend.render(still, graphics: graphic, to: path)
    case .apng: break
    }
  }
}
