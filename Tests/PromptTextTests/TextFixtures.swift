import Foundation
import PromptText
import Testing

/// What the tests of the text front end share.
enum TextFixtures {
  /// A text and its ids, as another program gives them.
  struct Case: Decodable {
    let text: String
    let ids: [Int]
  }

  /// A tokenizer's settings, and what it makes of texts.
  struct Folder: Decodable, CustomTestStringConvertible {
    let name: String
    let files: [String: String]
    let cases: [Case]

    var testDescription: String { name }
  }

  /// CLIP's own tokenizer, loaded once.
  static let clip = Result { try CLIPTokenizer.bundled() }

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  /// The tokenizer of the embedded checkpoint, in the source tree.
  static let menagerie = resources.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Diffusion/Resources/Menagerie/tokenizer")

  /// The package's resources of text in its source tree.
  static let resources = fixtures.deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources/PromptText/Resources")

  static func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
    try JSONDecoder().decode(
      type, from: Data(contentsOf: fixtures.appendingPathComponent(path)))
  }

  /// Runs `body` with a folder of `files`, with CLIP's vocabulary if asked, and removes it.
  static func withFolder<Value>(
    _ files: [String: String], vocabulary: Bool = false, _ body: (String) throws -> Value
  ) throws -> Value {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("heed-text-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    if vocabulary {
      for name in ["vocab.json", "merges.txt"] {
        try FileManager.default.createSymbolicLink(
          at: folder.appendingPathComponent(name),
          withDestinationURL: resources.appendingPathComponent("CLIPVocabulary/\(name)"))
      }
    }
    for (name, content) in files {
      try Data(content.utf8).write(to: folder.appendingPathComponent(name))
    }
    return try body(folder.path)
  }
}
