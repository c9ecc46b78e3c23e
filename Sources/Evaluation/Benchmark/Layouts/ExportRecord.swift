private import Foundation
internal import TensorEngine

/// `heed-export.json` in a folder of pictures: which run each of them is of, so that results of other programs
/// find their way back.
struct ExportRecord: Codable {
  /// The file's name.
  static let name = "heed-export.json"

  /// A picture of the export.
  struct Picture: Codable {
    /// Below the folder.
    let file: String
    /// What the layout's results call it.
    let key: String
    /// How many questions are asked of it.
    let questions: Int?
    /// The run: prompt, method and seed.
    let id, method: String
    let seed: UInt64
  }

  /// The version of the form.
  private(set) var format = 1
  /// The layout's name.
  let layout: String
  /// The suite's name.
  let suite: String
  let pictures: [Picture]

  init(_ plan: LayoutPlan, _ layout: PictureLayout, suite: String) {
    (self.layout, self.suite) = (layout.rawValue, suite)
    pictures = plan.pictures.map { placed in
      Picture(
        file: placed.place.joined(separator: "/"), key: placed.key, questions: placed.questions,
        id: placed.picture.id, method: placed.picture.method, seed: placed.picture.seed)
    }
  }

  /// Reads the record of the export in `folder`.
  /// - Throws: `FileError`.
  init(folder: String) throws {
    let path = folder + "/" + Self.name
    let document = try TextDocument(path: path)
    // Whole first, for an error with its place.
    _ = try document.root()
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(document.bytes)) else {
      throw FileError(
        .malformed, path: path, reason: "expected what heed benchmark export writes, got other JSON"
      )
    }
    guard record.format == 1 else {
      throw FileError(
        .unsupported, path: path, subject: "format", reason: "expected 1, got \(record.format)")
    }
    self = record
  }

  /// The document.
  var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
      return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
  }
}
