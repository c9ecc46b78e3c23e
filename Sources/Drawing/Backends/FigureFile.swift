internal import Foundation

/// A file that a sheet is written to, in the format of its ending.
package struct FigureFile {
  /// The formats, named as the endings of their files.
  package enum Format: String {
    case pdf
    case png
    case svg
    case apng
    case gif
    case mp4
    case json
    case tex

    /// Whether the file shows the sheet step by step.
    package var isAnimated: Bool { [.apng, .gif, .mp4].contains(self) }
  }

  package let path: String
  package let format: Format
  /// The file that a `.tex` includes.
  private let graphic: String

  /// The files at `paths`.
  /// - Parameter isAnimated: whether the sheet can be shown step by step.
  /// - Throws: ``FigureError/unsuitableOutput(path:reason:)``; ``FigureError/program(path:reason:)``.
  package static func files(_ paths: [String], isAnimated: Bool) throws -> [FigureFile] {
    let formats = try paths.map(format)
    let graphic = [Format.pdf, .png].lazy.compactMap { formats.firstIndex(of: $0) }.first
    return try zip(paths, formats).map { path, format in
      if format.isAnimated, !isAnimated {
        throw FigureError.unsuitableOutput(
          path: path,
          reason: "an animation shows one panel of maps over the steps; this layout has none")
      }
      if format == .mp4 { try MP4Backend.program(for: path) }
      if format == .tex, graphic == nil {
        throw FigureError.unsuitableOutput(
          path: path, reason: "a .tex includes a .pdf or .png; write one with it")
      }
      return FigureFile(
        path: path, format: format, graphic: graphic.map { paths[$0] } ?? "")
    }
  }

  /// The format of the file at `path`; `nil` if its ending is of none.
  package static func knownFormat(of path: String) -> Format? {
    Format(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased())
  }

  private static func format(of path: String) throws -> Format {
    guard let format = knownFormat(of: path) else {
      throw FigureError.unsuitableOutput(
        path: path, reason: "a sheet is a .pdf, .png, .svg, .apng, .gif, .mp4, .json or .tex")
    }
    return format
  }

  /// The files that `path` becomes for a figure of several pages: a PDF and a `.tex` hold them all, others
  /// are numbered, as in `sheet-1.png`.
  package static func paths(of path: String, pages: Int) -> [String] {
    let ending = (path as NSString).pathExtension
    let format = Format(rawValue: ending.lowercased())
    guard pages > 1, format != .pdf, format != .tex, format?.isAnimated != true else {
      return [path]
    }
    let stem = (path as NSString).deletingPathExtension
    return (1...pages).map { "\(stem)-\($0).\(ending)" }
  }

  /// Draws the file, or a file for each page.
  /// - Parameters:
  ///   - pages: the sheet; none if only animations are written.
  ///   - frames: the sheet step by step, if an animation is written.
  ///   - dpi: pixels an inch; `nil` for those that suit the format.
  ///   - venue: whose class a `.tex` is for.
  /// - Returns: The files that were written.
  package func write(
    _ pages: [Scene], frames: [Scene], dpi: Double?, venue: Venue?
  ) throws -> [String] {
    if format.isAnimated {
      try write(Animation(frames, dpi: dpi ?? Animation.dpi))
      return [path]
    }
    let paths = Self.paths(of: path, pages: pages.count)
    switch format {
    case .pdf: try PDFBackend.render(pages, to: path)
    case .tex:
      let graphics = Self.paths(of: graphic, pages: pages.count)
        .map { Self.path(to: $0, fromFolderOf: path) }
      try TeXBackend.render(pages, .init(graphics: graphics, venue: venue), to: path)
    default:
      for (page, path) in zip(pages, paths) {
        switch format {
        case .png: try PNGBackend.render(page, dpi: dpi ?? PNGBackend.dpi, to: path)
        case .svg: try SVGBackend.render(page, to: path)
        default: try JSONBackend.render(page, to: path)
        }
      }
    }
    return paths
  }

  private func write(_ animation: Animation) throws {
    switch format {
    case .gif: try GIFBackend.render(animation, to: path)
    case .mp4: try MP4Backend.render(animation, to: path)
    default: try APNGBackend.render(animation, to: path)
    }
  }

  /// The way from the folder of one file to another, as LaTeX takes it.
  package static func path(to file: String, fromFolderOf other: String) -> String {
    func parts(_ path: String) -> [String] {
      URL(fileURLWithPath: path).standardizedFileURL.pathComponents
    }
    let (target, folder) = (parts(file), Array(parts(other).dropLast()))
    let shared = zip(target, folder).prefix { $0 == $1 }.count
    return (folder.dropFirst(shared).map { _ in ".." } + target.dropFirst(shared))
      .joined(separator: "/")
  }
}
