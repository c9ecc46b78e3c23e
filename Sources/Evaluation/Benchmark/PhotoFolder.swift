private import Foundation
internal import TensorEngine

// Unsafe: Foundation says through a variable whether something is a folder.

/// Photos of what the prompts of a suite say: their scores are what a method can hope for at the most.
///
/// They lie in a folder for each prompt, which has the prompt's id or its text as its name.
///
/// - Reference: Chefer et al., Attend-and-Excite, SIGGRAPH 2023, section 5: the upper bound of its
///   text–image similarities is that of real pictures.
package struct PhotoFolder: Sendable {
  /// A photo, and the prompt that it shows.
  struct Photo: Sendable {
    let prompt: SuitePrompt
    /// Below the folder of photos, as in `p1/one.jpg`.
    let name: String
    let path: String
    /// What tells it from the prompt's other photos, whatever they are called and whichever there are: the first
    /// 48 bits of its file's SHA-256.
    let number: UInt64
  }

  /// What stands in scores and tables in a method's place.
  package static let method = "photos"
  /// The same for people.
  package static let title = "photos (upper bound)"

  /// The folder.
  package let path: String
  /// In the order of the suite, those of a prompt by name.
  let photos: [Photo]

  private static let endings = ["png", "jpg", "jpeg", "webp", "gif"]

  /// Finds the photos in the folder at `path`; hidden files are passed over.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` for a folder that no prompt is called like, or two
  ///   that the same is, for one without photos, for what is no photo, and for a photo that a prompt has
  ///   twice; `FileError` for what cannot be read.
  package init(_ path: String, of suite: Suite) throws {
    let names = Names(suite)
    var found: [String: (folder: String, photos: [Photo])] = [:]
    for folder in try Self.entries(path) {
      let prompt = try names.prompt(folder, in: path)
      if let other = found[prompt.id] {
        throw EvaluationError.benchmark(
          path: path + "/" + folder,
          reason:
            "its prompt has photos in \(FileError.quoted(other.folder)) too: put them together"
        )
      }
      found[prompt.id] = (folder, try Self.photos(of: prompt, in: folder, of: path))
    }
    photos = suite.prompts.flatMap { found[$0.id]?.photos ?? [] }
    guard !photos.isEmpty else {
      throw EvaluationError.benchmark(
        path: path, reason: "expected a folder of photos for a prompt, by its id, got none")
    }
    self.path = path
  }

  /// What is in a folder, by name.
  private static func entries(_ path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FileError(.missing, path: path, reason: "there is no such folder of photos")
    }
    guard isFolder.boolValue else {
      throw FileError(
        .malformed, path: path, reason: "expected a folder with photos of a prompt, got a file")
    }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).filter {
        !$0.hasPrefix(".")
      }.sorted()
    } catch {
      throw FileError(.unreadable, path: path, reason: "the folder cannot be read")
    }
  }

  private static func photos(
    of prompt: SuitePrompt, in folder: String, of root: String
  ) throws -> [Photo] {
    let path = root + "/" + folder
    var names: [UInt64: String] = [:]
    let photos = try entries(path).map { name in
      let file = path + "/" + name
      guard endings.contains((name as NSString).pathExtension.lowercased()) else {
        throw EvaluationError.benchmark(
          path: file,
          reason: "expected photos alone (\(endings.joined(separator: ", "))) in a prompt's folder")
      }
      let digest = SHA256.digest(of: try MappedFile(path: file))
      let number = UInt64(digest.prefix(12), radix: 16) ?? 0
      if let other = names.updateValue(name, forKey: number) {
        throw EvaluationError.benchmark(
          path: file, reason: "is the same photo as \(FileError.quoted(other)): remove one of them")
      }
      return Photo(prompt: prompt, name: folder + "/" + name, path: file, number: number)
    }
    guard !photos.isEmpty else {
      throw EvaluationError.benchmark(
        path: path, reason: "expected photos of \(FileError.quoted(prompt.prompt)), got none")
    }
    return photos
  }

  /// What folders may be called.
  private struct Names {
    private let byID: [String: SuitePrompt]
    private let byText: [String: [SuitePrompt]]

    init(_ suite: Suite) {
      byID = Dictionary(suite.prompts.map { ($0.id, $0) }) { first, _ in first }
      byText = Dictionary(grouping: suite.prompts, by: \.prompt)
    }

    func prompt(_ name: String, in path: String) throws -> SuitePrompt {
      if let prompt = byID[name] { return prompt }
      let meant = byText[name] ?? []
      if meant.count == 1 { return meant[0] }
      let advice =
        if meant.isEmpty {
          Suggestion.question(name, among: byID.keys.sorted())
        } else {
          "; \(meant.count) prompts have this text: name the folder by an id, as \(meant[0].id)"
        }
      throw EvaluationError.benchmark(
        path: path + "/" + name, reason: "expected a prompt's id or text as the name\(advice)")
    }
  }
}
