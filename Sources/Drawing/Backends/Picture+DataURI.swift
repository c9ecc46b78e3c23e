internal import Foundation
internal import Pictures

extension Picture {
  /// The picture as a `data:` address of a PNG file.
  /// - Throws: `FileError` if libpng gives up.
  package var dataURI: String {
    get throws { Self.dataURI(of: try encoded()) }
  }

  /// The `data:` address of a file's bytes, of the media type `image/` and `type`.
  package static func dataURI(of file: [UInt8], type: String = "png") -> String {
    "data:image/\(type);base64," + Data(file).base64EncodedString()
  }
}
