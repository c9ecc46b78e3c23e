import Drawing
import Figures
import Foundation
import Testing

@Suite("The page of a benchmark")
struct BenchmarkPageTests {
  /// A page of so many prompts with 7 methods and 2 seeds.
  private func page(
    prompts: Int = 3, id: (Int) -> String = { "a-cat-and-a-frog-\($0)" }, runs: String = "runs",
    figures: [(heading: String, scene: Scene)] = []
  ) throws -> String {
    let page = try BenchmarkPage(
      title: "suite", facts: ["prompts: \(prompts)"], runs: runs, file: "image.png",
      prompts: (0..<prompts).map {
        .init(id: id($0), text: "a cat and a frog, \($0)", subset: "animals", report: nil)
      },
      methods: (0..<7).map { .init(name: "method-\($0)", title: "Method \($0)") },
      pictures: (0..<prompts * 14).map {
        BenchmarkPage.Picture(
          prompt: $0 / 14, method: $0 / 2 % 7, seed: UInt64($0 % 2), report: nil,
          values: [1 / Double($0 + 3), .nan, 0.25, 1e-9, 123_456, -0.5])
      },
      scores: (0..<6).map { "score \($0)" }, tables: [], figures: figures, notes: [],
      software: "test")
    return String(decoding: page.html, as: UTF8.self)
  }

  /// What the script of a page reads.
  private func data(_ html: String) throws -> [String: Any] {
    let start = try #require(html.range(of: "id=\"data\">")).upperBound
    let end = try #require(html.range(of: "</script>", range: start..<html.endIndex)).lowerBound
    let data = try JSONSerialization.jsonObject(with: Data(html[start..<end].utf8))
    return try #require(data as? [String: Any])
  }

  @Test("A page of 276 prompts, 7 methods and 2 seeds is small")
  func size() throws {
    let html = try page(prompts: 276)
    #expect(html.utf8.count < 500_000 && !html.contains("data:image"))
    #expect((try data(html)["pictures"] as? [Any])?.count == 3864)
  }

  @Test("Scores have four digits, and one that is not there is null")
  func values() throws {
    let first = try #require((try data(page())["pictures"] as? [[Any]])?.first)
    #expect(first.count == 10 && first[5] is NSNull)
    let numbers = [4, 6, 7, 8, 9].map { first[$0] as? Double }
    #expect(numbers == [0.3333, 0.25, 1e-9, 123_500, -0.5])
  }

  @Test("Addresses hold any name as a part of a path, and never a scheme")
  func addresses() throws {
    let html = try page(id: { ["a b?", "x:y", "50%#\"<é"][$0] }, runs: "../x:y z/runs")
    let data = try data(html)
    #expect(data["runs"] as? String == "../x%3Ay%20z/runs")
    let ids = (data["prompts"] as? [[String]])?.map { $0[0] }
    #expect(ids == ["a%20b%3F", "x%3Ay", "50%25%23%22%3C%C3%A9"])
    #expect(html.contains("<a href=\"../x%3Ay%20z/runs/x%3Ay/\">"))
  }

  @Test("The policy allows pictures beside the page, and nothing from elsewhere")
  func policy() throws {
    let html = try page(
      figures: [("Chart", SampleLayout(name: "scores", seeds: 3, words: 2).sheet.scene())])
    let policy = try #require(
      try /http-equiv="Content-Security-Policy" content="([^"]*)"/.firstMatch(in: html)?.output.1)
    #expect(policy.hasPrefix("default-src 'none'; "))
    #expect(policy.contains("img-src data: 'self' file:; "))
    #expect(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains("*"))
    // A style in an attribute would be refused.
    #expect(!html.contains(" style=") && html.contains("<svg ") && !html.contains("<?xml"))
  }
}
