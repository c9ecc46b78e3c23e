import Foundation
import Testing

/// Peak attention and excitation score are two quantities; neither has another name anywhere.
@Suite("Names of quantities")
struct QuantityNameTests {
  /// The text of sources, the report's page and the pages of documentation without what commands
  /// printed, by path.
  private static let texts: [(path: String, text: String)] = {
    let manager = FileManager.default
    func files(_ folder: String, _ endings: [String]) -> [String] {
      (manager.subpaths(atPath: Repository.root + "/" + folder) ?? []).sorted()
        .filter { name in endings.contains { name.hasSuffix($0) } }.map { "\(folder)/\($0)" }
    }
    let paths =
      files("Sources", [".swift", "report.js", "report.html"]) + files("Documentation", [".md"])
      + ["README.md"]
    return paths.compactMap { path in
      (try? String(contentsOfFile: Repository.root + "/" + path, encoding: .utf8)).map {
        (path, path.hasSuffix(".md") ? prose($0) : $0)
      }
    }
  }()

  /// A page without its blocks of code.
  private static func prose(_ page: String) -> String {
    page.components(separatedBy: "\n```").enumerated().filter { $0.offset.isMultiple(of: 2) }
      .map(\.element).joined(separator: "\n")
  }

  @Test(
    "No source or page uses a name that was ambiguous",
    arguments: [
      "(?i)largest[ \n/]+attention", #""max \\\("#, #"\("image", "#, "subjects are attended",
      "is attended to:",
      "steps altered", "attended: ", "(?i)late attention",
    ])
  func retired(_ phrase: String) throws {
    let pattern = try Regex(phrase)
    #expect(Self.texts.count > 300)
    for (path, text) in Self.texts {
      #expect(text.firstMatch(of: pattern) == nil, "\(path) has \(phrase)")
    }
  }

  @Test("Both quantities are defined in one place, and other pages link to it")
  func defined() throws {
    let definitions = Self.texts.filter { $0.text.contains("## Two quantities") }.map(\.path)
    #expect(definitions == ["Documentation/commands.md"])
    let linking = Self.texts.filter { $0.text.contains("commands.md#two-quantities") }.map(\.path)
    for page in ["README.md", "Documentation/figures.md", "Documentation/methods.md"] {
      #expect(linking.contains(page))
    }
  }
}
