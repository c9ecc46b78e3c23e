internal import AttentionTrace
internal import Drawing
internal import Foundation
internal import Pictures

extension RecordedRun {
  /// The longer side of a picture that stands for one that was not recorded, in pixels: so many, or up to
  /// twice as many.
  private static let blankSide = 512

  /// The run's picture; `nil` where another program recorded the run without one.
  /// - Throws: `FileError` for a file that is missing or damaged.
  func picture() throws -> Picture? {
    let isOptional = manifest.provenance.recorder != nil
    guard !isOptional || FileManager.default.fileExists(atPath: folder.image) else { return nil }
    return try Picture.read(folder.image, within: folder.path)
  }

  /// The run's picture, or a white one where it has none.
  /// - Throws: as ``picture()``.
  func shownPicture() throws -> Picture { try picture() ?? blankPicture }

  /// The picture of a frame of a video; of a run without pictures of its frames, its picture.
  /// - Parameter frames: how many frames the maps have, which may be fewer than the pictures.
  /// - Throws: as ``picture()``.
  func picture(ofFrame frame: Int, of frames: Int) throws -> Picture? {
    let pictures = manifest.frames ?? frames
    let place =
      frames > 1
      ? Int((Double(frame * (pictures - 1)) / Double(frames - 1)).rounded()) : pictures / 2
    let path = folder.frame(place)
    return FileManager.default.fileExists(atPath: path)
      ? try Picture.read(path, within: folder.path) : try picture()
  }

  /// A white picture of the shape of the run's, for maps to lie over; of one that is longer than 16 times
  /// its other side, 16 to 1, which a page has room for.
  var blankPicture: Picture {
    let longer = max(manifest.width, manifest.height, 1)
    let scale = max(1, (Self.blankSide + longer - 1) / longer)
    let part = max(1, longer / Self.blankSide)
    let least = scale * longer / part / 16
    let (width, height) = (
      max(1, least, scale * manifest.width / part), max(1, least, scale * manifest.height / part)
    )
    return Picture(
      width: width, height: height,
      pixels: [UInt8](repeating: 255, count: 3 * width * height))
  }
}

extension RecordedRun {
  /// The picture that a step predicted.
  /// - Throws: ``FigureError/inconsistentSheet(_:)`` where the run did not keep it, with how to make one that
  ///   does; `FileError` for a file that is missing or damaged.
  func preview(ofStep step: Int) throws -> Picture {
    let kept = manifest.previewedSteps
    guard kept.contains(step) else {
      let what =
        kept.isEmpty
        ? "no predicted pictures"
        : "no predicted picture of step \(step), but of "
          + kept.map(String.init).joined(separator: ", ")
      throw FigureError.inconsistentSheet(
        "\(folder.path) kept \(what); make the run in another folder with --preview, or by "
          + "heed compare --steps-pictures")
    }
    return try Picture.read(folder.preview(step), within: folder.path)
  }

  /// The steps whose predicted pictures are there, ascending.
  var previewsThere: [Int] {
    manifest.previewedSteps.filter { FileManager.default.fileExists(atPath: folder.preview($0)) }
  }

  /// The pictures that steps predicted, by step; those that are not there yet are left out.
  /// - Throws: `FileError` for a file that is damaged.
  func previews(ofSteps steps: [Int]) throws -> [Int: Picture] {
    try Set(steps).intersection(previewsThere).reduce(into: [:]) { previews, step in
      previews[step] = try Picture.read(folder.preview(step), within: folder.path)
    }
  }
}
