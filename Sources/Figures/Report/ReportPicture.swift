import AttentionTrace
internal import Foundation
import Pictures

/// A run's picture, and what a report needs of it.
struct ReportPicture {
  /// The picture in grey, to lay maps over; `nil` while there is none.
  let grey: Picture?
  /// The whole file as a `data:` address.
  let dataURI: String?
  let size: (width: Int, height: Int)

  init(_ recording: ReportRecording) throws {
    let manifest = recording.run.manifest
    let path = recording.run.folder.image
    guard FileManager.default.fileExists(atPath: path) else {
      (grey, dataURI, size) = (nil, nil, (manifest.width, manifest.height))
      return
    }
    let file = try PictureFile(path, transparency: .overWhite)
    let picture = file.picture
    grey = picture.grey
    dataURI = file.format == .png ? Picture.dataURI(of: file.bytes) : try picture.dataURI
    size = (picture.width, picture.height)
  }
}
