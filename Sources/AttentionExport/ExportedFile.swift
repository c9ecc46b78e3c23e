internal import AttentionAnalysis
internal import AttentionTrace

/// A file of an export, as its manifest lists it.
struct ExportedFile: Encodable, Hashable, Sendable {
  /// Its path in the folder.
  let path: String
  let bytes: Int
  /// 64 hexadecimal digits.
  let sha256: String
  let mediaType: String

  enum CodingKeys: String, CodingKey {
    case path, bytes, sha256
    case mediaType = "media_type"
  }
}
