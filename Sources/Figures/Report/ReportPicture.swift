import AttentionAnalysis
import AttentionTrace
internal import Drawing
internal import Foundation
import Pictures

/// A run's picture, and what a report needs of it.
struct ReportPicture {
  /// The picture in grey, to lay maps over; `nil` while there is none.
  let grey: Picture?
  /// The whole file as a `data:` address.
  let dataURI: String?
  let size: (width: Int, height: Int)
  /// The pictures of a video's frames, as many as the maps have, as `data:` addresses; empty where there
  /// are none.
  let frames: [String]

  /// The pictures that some steps predicted, as `data:` addresses; empty where none were kept.
  let previews: [(step: Int, dataURI: String)]

  /// The longer side of a frame's picture, in pixels: a report may have many.
  private static let frameSide = 256

  /// A detector's boxes; empty without a picture.
  let boxes: [PictureBox]

  init(_ recording: ReportRecording, _ detections: RunDetections?) throws {
    frames = try Self.frames(of: recording.run)
    previews = try Self.previews(of: recording.run)
    let path = recording.run.folder.image
    guard FileManager.default.fileExists(atPath: path) else {
      let blank = recording.run.blankPicture
      (grey, dataURI, size) = (nil, nil, (blank.width, blank.height))
      boxes = []
      return
    }
    let file = try PictureFile(
      path, within: recording.run.folder.path, transparency: .overWhite)
    let picture = file.picture
    grey = picture.grey
    dataURI = file.format == .png ? Picture.dataURI(of: file.bytes) : try picture.dataURI
    size = (picture.width, picture.height)
    boxes = PictureBox.boxes(of: recording.run, detections).filter { $0.finding != nil }
  }

  private static func frames(of run: RecordedRun) throws -> [String] {
    guard run.frames > 1, FileManager.default.fileExists(atPath: run.folder.frame(0))
    else { return [] }
    return try (0..<run.frames).map { frame in
      let picture = try run.picture(ofFrame: frame, of: run.frames) ?? run.blankPicture
      return try picture.thumbnail(side: frameSide).dataURI
    }
  }

  private static func previews(of run: RecordedRun) throws -> [(step: Int, dataURI: String)] {
    try PreviewRecord.spread(run.previewsThere).map { step in
      (step, try run.preview(ofStep: step).thumbnail(side: ReportSheet.side).dataURI)
    }
  }
}

extension Picture {
  /// The picture with a longer side of at most `side` pixels.
  func thumbnail(side: Int) -> Picture {
    let longer = max(width, height)
    guard longer > side else { return self }
    return resized(
      width: max(1, width * side / longer), height: max(1, height * side / longer))
  }
}
