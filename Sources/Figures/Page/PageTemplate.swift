internal import Drawing
internal import Foundation
internal import TensorEngine

/// An HTML page's fixed parts, and how they become one file that asks for nothing else, or for pictures that
/// lie beside it alone.
///
/// Head, foot and the style of what all pages have are in the resources' folder `Page`, what is one
/// page's own in a folder of its own.
struct PageTemplate {
  /// Where a page's pictures are.
  enum Pictures {
    /// In the file, as `data:` addresses.
    case inside
    /// In files beside the page too, which it names relative to itself.
    case beside
  }

  private static let common = "Page"

  private let pictures: Pictures
  private let page: String
  private let style: String
  private let script: String

  /// The bytes that it takes of a page.
  var size: Int { page.utf8.count + style.utf8.count + script.utf8.count }

  /// Reads the parts from the package's resources.
  /// - Parameters:
  ///   - folder: the folder of the resources.
  ///   - name: the name of the page and its style there.
  ///   - scripts: the script's parts in their order: later ones use what earlier ones declare.
  ///   - pictures: where its pictures are.
  /// - Throws: `FileError`.
  init(
    _ folder: String, name: String, scripts: [String], pictures: Pictures = .inside
  ) throws {
    func part(_ name: String, in folder: String) throws -> String {
      let path = "\(ResourceFolder.figures.path)/\(folder)/\(name)"
      return try unsafe MappedFile(path: path).withBytes {
        unsafe String(decoding: $0, as: UTF8.self)
      }
    }
    self.pictures = pictures
    page = try part("page.html", in: Self.common)
      .replacing("{{body}}\n", with: try part("\(name).html", in: folder))
    style = try part("page.css", in: Self.common) + part("\(name).css", in: folder)
    let parts = try scripts.map { try part("script/\($0).js", in: folder) }
    script = "\"use strict\";\n(() => {\n" + parts.joined(separator: "\n") + "})();\n"
  }

  /// The whole file.
  ///
  /// What is put in is never searched for places to fill: a prompt may hold `{{data}}`.
  func filled(_ content: [String: String]) -> String {
    let parts = content.merging(["policy": policy, "style": style, "script": script]) { $1 }
    var result = ""
    for (place, piece) in page.components(separatedBy: "{{").enumerated() {
      guard place > 0, let end = piece.range(of: "}}") else {
        result += piece
        continue
      }
      result += parts[String(piece[..<end.lowerBound])] ?? ""
      result += piece[end.upperBound...]
    }
    return result
  }

  /// Allows the script and the style of this file, its pictures, and nothing else.
  ///
  /// A page that is opened as a file has no origin that all browsers call its own: its files are named by
  /// their scheme, which a page from a server cannot ask for.
  private var policy: String {
    [
      "default-src 'none'", "script-src 'sha256-\(Self.digest(script))'",
      "style-src 'sha256-\(Self.digest(style))'",
      "img-src data:\(pictures == .beside ? " 'self' file:" : "")", "base-uri 'none'",
      "form-action 'none'", "require-trusted-types-for 'script'",
    ].joined(separator: "; ")
  }

  /// SHA-256 in base64, as Content Security Policy Level 3 has it.
  private static func digest(_ text: String) -> String {
    let hash = SHA256()
    unsafe Array(text.utf8).withUnsafeBytes { unsafe hash.update($0) }
    let digits = Array(hash.finish())
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
    return Data(bytes).base64EncodedString()
  }
}
