import Foundation
import TensorEngine
import TestSupport
import Testing
import YAML

/// The pages, held against the command.
///
/// With `HEED_RECORD_DOCUMENTATION` set, what pages show is written anew, seconds and sizes too, and
/// the test fails.
@Suite("Documentation")
struct DocumentationTests {
  /// In the order in which a reader meets them: later pages use the runs of earlier ones.
  static let pages =
    ["README.md"]
    + [
      "commands", "methods", "recipes", "figures", "runs-and-exports", "exactness-and-speed",
      "library",
    ].map { "Documentation/\($0).md" }
  private static let others = [
    "CHANGELOG.md", "CONTRIBUTING.md", "Documentation/architecture.md",
    "Documentation/checkpoints.md", "Documentation/sdxl.md", "Documentation/install.md",
    "Documentation/run-format.md",
    "Documentation/record-from-diffusers.md", "Documentation/suites-and-layouts.md",
    "Documentation/study.md", "Documentation/evaluation.md", "Documentation/dependencies.md",
    "Documentation/promises.md",
    "Documentation/gallery/README.md", "Documentation/methods/README.md",
  ]
  private static let isRecording =
    ProcessInfo.processInfo.environment["HEED_RECORD_DOCUMENTATION"] != nil

  @Test("Commands print what the pages show")
  func commands() throws {
    let folder = try TemporaryFolder()
    // Pages name files of the repository by their paths in it.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/Sources", withDestinationPath: Repository.root + "/Sources")
    for name in Self.pages {
      let page = try DocumentationPage(name)
      var lines = page.lines
      var shift = 0
      for block in page.blocks where block.reasonNotToRun == nil {
        if let name = block.fileName {
          try folder.write(name, Array((block.lines.joined(separator: "\n") + "\n").utf8))
        }
        guard block.language.isEmpty else { continue }
        for command in block.commands {
          let result = try command.run(in: folder.path)
          if let difference = command.difference(from: result) {
            Issue.record("\(name):\(command.line): \(difference)\n\(result.stdout)\(result.stderr)")
          }
          if Self.isRecording, let updated = command.updated(to: result) {
            let start = command.outputStart + shift
            lines.replaceSubrange(start..<(start + command.shown.count), with: updated)
            shift += updated.count - command.shown.count
          }
        }
      }
      if lines != page.lines {
        Issue.record("recorded \(name); run again without HEED_RECORD_DOCUMENTATION")
        let url = URL(fileURLWithPath: Repository.root + "/" + name)
        try Data(lines.joined(separator: "\n").utf8).write(to: url)
      }
    }
  }

  @Test("At most five blocks are not run, and each says why")
  func blocksThatAreNotRun() throws {
    let reasons = try Self.pages.flatMap { try DocumentationPage($0).blocks }
      .compactMap(\.reasonNotToRun)
    #expect(reasons.count <= 5)
    #expect(reasons.allSatisfy { !$0.isEmpty })
  }

  @Test("A block holds commands or says its language", arguments: pages + others)
  func languages(_ name: String) throws {
    let known: Set = ["swift", "python", "sql", "yaml", "text", "bibtex"]
    for block in try DocumentationPage(name).blocks {
      let isCommand = block.language.isEmpty && block.lines.first?.hasPrefix("$ ") == true
      #expect(isCommand || known.contains(block.language), "\(name):\(block.line)")
    }
  }

  @Test("A sheet file on a page is given to a command of the page", arguments: pages)
  func sheetFiles(_ name: String) throws {
    let blocks = try DocumentationPage(name).blocks
    for block in blocks where block.language == "yaml" {
      let file = try #require(block.fileName, "\(name):\(block.line) names no file")
      let later = blocks.filter { $0.line > block.line }.flatMap(\.commands)
      #expect(later.contains { $0.shell.contains("--layout \(file)") }, "\(name):\(block.line)")
    }
  }

  @Test("Links lead to files of the repository and to headings of pages", arguments: pages + others)
  func links(_ name: String) throws {
    let page = try DocumentationPage(name)
    let folder = URL(fileURLWithPath: Repository.root + "/" + name).deletingLastPathComponent()
    for link in page.links where !link.hasPrefix("https://") {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let target = parts[0].isEmpty ? nil : folder.appending(path: String(parts[0])).standardized
      if let target {
        #expect(FileManager.default.fileExists(atPath: target.path), "\(name) links to \(link)")
      }
      if parts.count == 2 {
        let path = target?.path.dropFirst(Repository.root.count + 1)
        let anchors = try path.map { try DocumentationPage(String($0)).anchors } ?? page.anchors
        #expect(anchors.contains(String(parts[1])), "\(name) links to \(link)")
      }
    }
  }

  @Test("Files that a page names are in the repository", arguments: pages + others)
  func files(_ name: String) throws {
    let text = try DocumentationPage(name).lines.joined(separator: "\n")
    for match in text.matches(of: /`((Sources|Tests|Documentation)\/[^`\s*]+)`/) {
      let path = String(match.output.1)
      guard !path.contains("NAME") else { continue }
      #expect(
        FileManager.default.fileExists(atPath: Repository.root + "/" + path), "\(name): \(path)")
    }
  }

  @Test("The README fits on three screens")
  func length() throws {
    #expect(try DocumentationPage("README.md").lines.dropLast().count <= 150)
  }

  @Test("CITATION.cff has what the Citation File Format 1.2.0 requires")
  func citation() throws {
    let citation = try YAMLDocument.read(path: Repository.root + "/CITATION.cff")
    let allowed: Set = [
      "cff-version", "message", "title", "authors", "type", "abstract", "keywords", "license",
      "version", "date-released", "references",
    ]
    #expect(try Set(citation.object().keys).isSubset(of: allowed))
    func text(_ key: String) throws -> String { try citation.member(key).string() }
    #expect(try text("cff-version") == "1.2.0")
    #expect(try text("type") == "software")
    #expect(try text("license") == "Apache-2.0")
    #expect(try text("date-released").wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil)
    for key in ["message", "title", "abstract"] { #expect(try !text(key).isEmpty) }
    #expect(try !citation.member("keywords").strings().contains(""))
    let authors = try citation.member("authors").elements()
    #expect(try authors.map { try $0.member("name").string() } == ["The Heed authors"])
    for reference in try citation.member("references").elements() {
      let type = try reference.member("type").string()
      #expect(type == "article" || type == "conference-paper")
      #expect(try !reference.member("title").string().isEmpty)
      for author in try reference.member("authors").elements() {
        #expect(try !author.member("family-names").string().isEmpty)
      }
    }
    let folder = try TemporaryFolder()
    let version = try HeedProcess.run(["--version"], in: folder.path).stdout
    #expect(try version.hasPrefix(text("version") + " (commit "))
  }

  @Test("The changelog has a section for the version")
  func changelog() throws {
    let folder = try TemporaryFolder()
    let version = try HeedProcess.run(["--version"], in: folder.path).stdout.prefix { $0 != " " }
    let headings = try DocumentationPage("CHANGELOG.md").lines.filter { $0.hasPrefix("## ") }
    #expect(headings.contains { $0.hasPrefix("## [\(version)]") || $0 == "## [Unreleased]" })
  }

  @Test(
    "Numbers may differ by one of the last digit; words, whole numbers and lines may not",
    arguments: [
      ("a  0.1234", "a   0.1235", true), ("a 0.1234", "a 0.1236", false),
      ("4 runs", "5 runs", false),
      ("1", "0.9999", true), ("disk 23.0 MiB", "disk 1.2 GiB", true), ("1.7e-06", "2.0e-06", true),
      ("a\n…\nd", "a\nb\nc\nd", true), ("a\nd", "a\nb\nd", false), ("a", "a\nb", false),
      ("seed  seconds\n0  1.2", "seed  seconds\n0  7.9", true),
      ("seed  seconds\n0  1.2", "seed  seconds\n1  1.2", false),
      ("heed: left out", "b", false),
    ])
  func comparison(_ sample: (shown: String, printed: String, isSame: Bool)) {
    let command = DocumentedCommand(
      shell: "", line: 1, outputStart: 1, shown: sample.shown.components(separatedBy: "\n"))
    let result = HeedProcess.Result(status: 0, stdout: sample.printed + "\n", stderr: "")
    #expect((command.difference(from: result) == nil) == sample.isSame)
  }
}
