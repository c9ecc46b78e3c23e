import Foundation
import TestSupport
import Testing

/// The folder that stands beside a paper: notebooks over a sample of exports.
@Suite("notebooks-export")
struct NotebookTests {
  private static let folder = Repository.root + "/notebooks-export"

  private static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".ipynb") }.map { String($0.dropLast(6)) }.sorted()

  /// Those that read exports; the one that records a pipeline needs diffusers, and `RecorderTests` runs it.
  private static let readers = names.filter { $0 != "06-your-own-pipeline" }

  @Test("There is a notebook for each text, and a text for each notebook")
  func pairs() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
    let texts = files.filter { $0.hasSuffix(".py") && !$0.hasPrefix("heed_") }
      .map { String($0.dropLast(3)) }.sorted()
    #expect(texts == Self.names && texts.count >= 5)
  }

  @Test(
    "A notebook has the cells of its text, stores what they give in 200 kB, and runs in a minute",
    .enabled(if: Readers.python != nil, "make readers installs what it needs"), arguments: readers)
  func execute(name: String) throws {
    let answer = try Readers.run(
      script: "/notebooks/run_notebooks.py", ["check", Self.folder, name], in: Self.folder,
      path: Repository.fixtures + "/notebooks/debian-torch")
    #expect(answer.status == 0, "\(answer.stderr.suffix(2000))")
    #expect(answer.stdout.hasPrefix(name + ": "))
  }

  @Test(
    "With its path changed, each notebook runs on exports of another prompt",
    .enabled(if: Readers.python != nil, "make readers installs what it needs"))
  func elsewhere() throws {
    let folder = try TemporaryFolder()
    // The folder's own script, with another prompt and fewer seeds.
    let made = try HeedProcess.run(
      [
        Self.folder + "/make_sample.sh", folder.path + "/mine", "a red car and a sheep",
        "car,sheep", "3..4", "4",
      ], in: folder.path, shell: "export HEED=\"$1\"; shift; exec bash \"$@\"")
    #expect(made.status == 0, "\(made.stderr)")
    let answer = try Readers.run(
      script: "/notebooks/run_notebooks.py",
      ["elsewhere", Self.folder, folder.path + "/mine"] + Self.readers, in: Self.folder,
      path: Repository.fixtures + "/notebooks/debian-torch")
    #expect(answer.status == 0, "\(answer.stderr.suffix(2000))")
    for name in Self.readers { #expect(answer.stdout.contains(name + ": ")) }
  }

  @Test(
    "The sample's exports are whole, and it is small",
    arguments: ["maps", "sheet", "loss", "heads", "seeds"])
  func sample(name: String) throws {
    let result = try HeedProcess.run(
      ["verify-export", Self.folder + "/sample/" + name], in: "/tmp")
    #expect(result.status == 0, "\(result.stdout)")
    let walk = try #require(FileManager.default.enumerator(atPath: Self.folder + "/sample"))
    var bytes = 0
    for case let path as String in walk {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: Self.folder + "/sample/" + path)
      if attributes[.type] as? FileAttributeType == .typeRegular {
        bytes += attributes[.size] as? Int ?? 0
      }
    }
    #expect((1...5_000_000).contains(bytes))
  }
}
