import Foundation
import TestSupport
import Testing

/// `heed benchmark report`, and its page in a browser.
@Suite("heed benchmark report")
struct BenchmarkReportTests {
  private static let links =
    "[...document.querySelectorAll('#pictures a')].map((a) => a.getAttribute('href')).join(' ')"
  private static let loaded = """
    Promise.all([...document.querySelectorAll('#pictures img')].map((image) => {
      image.loading = 'eager';
      return image.decode().then(() => image.naturalWidth, () => 0);
    })).then((widths) => widths.join(' '))
    """
  private static let found = "document.getElementById('found').textContent"

  /// Puts a value into a control, as a person does.
  private func choose(_ id: String, _ value: String) -> [[String: Any]] {
    let text = String(
      decoding: (try? JSONEncoder().encode([value])) ?? Data(), as: UTF8.self)
    return [
      [
        "evaluate": """
        (() => { const one = document.getElementById('\(id)'); one.value = \(text)[0];
          one.dispatchEvent(new Event('input', { bubbles: true })); })()
        """
      ], ["wait": 0.3],
    ]
  }

  @Test("Pictures are not in the page, and its size does not follow theirs")
  func beside() throws {
    let bench = try ScoredBench()
    try bench.makeRuns()
    let result = try bench.benchmark("report", "bench", "-o", "pages/r.html")
    expectRefusal(result, 73, ["pages"])
    try bench.folder.write("pages/note", [])
    let made = try bench.benchmark("report", "bench", "-o", "pages/r.html")
    #expect(made.status == 0 && made.stderr.isEmpty, "\(made.stderr)")
    #expect(made.stdout.hasPrefix("pages/r.html: pictures: 16, "))
    let page = bench.folder.text("pages/r.html")
    #expect(!page.contains("data:image/png") && page.contains("\"../bench/runs\""))
    #expect(page.utf8.count < 80_000)
    for text in ["n = 4", "[0.", "Differences to Stable Diffusion", "<svg "] {
      #expect(page.contains(text), "\(text)")
    }
    // More runs than scores, and runs that are not made yet.
    let more = try bench.heed([
      "benchmark", "run", "--suite", "suite.jsonl", "--methods", "attend-and-excite", "--seeds",
      "0",
      "--vary", "smooth=false", "--steps", "2", "-o", "bench",
    ])
    #expect(more.status == 0, "\(more.stderr)")
    let grown = try bench.benchmark("report", "bench", "-o", "pages/grown.html")
    #expect(grown.status == 0 && grown.stdout.contains("pictures: 20, "), "\(grown.stderr)")
    try FileManager.default.removeItem(atPath: bench.folder.path + "/bench/scores")
    let bare = try bench.benchmark("report", "bench", "-o", "pages/r.html")
    #expect(bare.status == 0 && bare.stderr.contains("No picture is scored yet"), "\(bare.stderr)")
  }

  @Test("The same benchmark gives the same page")
  func repeated() throws {
    let bench = try ScoredBench()
    try bench.makeRuns()
    try bench.folder.write("pages/note", [])
    #expect(try bench.benchmark("report", "bench", "-o", "pages/r.html").status == 0)
    let page = bench.folder.text("pages/r.html")
    let again = try bench.benchmark("report", "bench", "-o", "pages/r.html")
    #expect(again.status == 0 && bench.folder.text("pages/r.html") == page)
  }

  @Test(
    "In a browser pictures are filtered and sorted, load from beside the page, and lead to their runs",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func browser() throws {
    let bench = try ScoredBench()
    try bench.makeRuns()
    try FileManager.default.removeItem(
      atPath: bench.folder.path + "/bench/runs/p2/stable-diffusion/seed-1")
    for place in ["p1/attend-and-excite/seed-0", "p3"] {
      try bench.folder.write("bench/runs/\(place)/report.html", "<p>a report</p>".utf8)
    }
    let made = try bench.benchmark("report", "bench")
    #expect(made.status == 0 && made.stderr.contains("not complete, and left out: 1"))
    let address = "file://\(bench.folder.path)/bench/report.html"
    var commands: [[String: Any]] = [
      ["size": [1000, 800]], ["open": address], ["evaluate": Self.found], ["evaluate": Self.links],
      ["evaluate": Self.loaded],
    ]
    commands += choose("subset", "mixed") + choose("method", "attend-and-excite")
    commands += [["evaluate": Self.links], ["evaluate": "location.hash"]]
    commands += choose("sort", "up-1") + [["evaluate": Self.links]]
    commands += choose("subset", "") + choose("method", "") + choose("seed", "0")
    commands += choose("prompt", "CAT and") + choose("sort", "down-0") + [["evaluate": Self.links]]
    commands += choose("prompt", "no such") + [["evaluate": Self.found]]
    commands += [
      ["open": address + "#subset=animals&sort=up-9&method=nobody&x=1"], ["evaluate": Self.found],
      ["size": [360, 640]], ["open": address],
      ["evaluate": "document.documentElement.scrollWidth - innerWidth"],
    ]
    let outcome = try HeadlessBrowser.run(commands)
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    #expect(
      outcome.requests.allSatisfy {
        $0.hasPrefix("file://\(bench.folder.path)/bench/") || $0.hasPrefix("data:")
      }, "\(outcome.requests)")
    let texts = outcome.texts
    #expect(texts[0] == "15 of 15 pictures")
    let links = texts[1].split(separator: " ").map(String.init)
    #expect(links.count == 15 && links[0] == "runs/p1/stable-diffusion/seed-0/")
    #expect(links.contains("runs/p1/attend-and-excite/seed-0/report.html"))
    #expect(links.count { $0 == "runs/p3/report.html" } == 4)
    #expect(
      links.allSatisfy {
        FileManager.default.fileExists(atPath: bench.folder.path + "/bench/" + $0)
      })
    #expect(texts[2].split(separator: " ").allSatisfy { $0 == "64" || $0 == "32" || $0 == "128" })
    let mixed = (2..<4).flatMap { prompt in [0, 1].map { (prompt, $0) } }
    func link(_ prompt: Int, _ method: Int, _ seed: Int) -> String {
      prompt == 2
        ? "runs/p3/report.html"
        : (prompt, method, seed) == (0, 1, 0)
          ? "runs/p1/attend-and-excite/seed-0/report.html"
          : "runs/p\(prompt + 1)/\(bench.methods[method].name)/seed-\(seed)/"
    }
    #expect(texts[3] == mixed.map { link($0, 1, $1) }.joined(separator: " "))
    #expect(texts[4] == "#subset=mixed&method=attend-and-excite")
    let sorted = mixed.sorted {
      bench.score("minimum", $0.0, 1, $0.1) < bench.score("minimum", $1.0, 1, $1.1)
    }
    #expect(texts[5] == sorted.map { link($0, 1, $1) }.joined(separator: " "))
    let cats = [0, 3].flatMap { prompt in [0, 1].map { (prompt, $0) } }.sorted {
      bench.score("full", $0.0, $0.1, 0) > bench.score("full", $1.0, $1.1, 0)
    }
    #expect(texts[6] == cats.map { link($0, $1, 0) }.joined(separator: " "))
    #expect(texts[7] == "0 of 15 pictures" && texts[8] == "7 of 15 pictures" && texts[9] == "0")
  }

  @Test(
    "A hostile suite is shown as what it says, and nothing of it runs",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func hostile() throws {
    let text = "</script><img src=x onerror=alert(1)> a cat & \"a frog\" {{data}} <b>\u{202E}"
    let bench = try ScoredBench(
      prompts: [
        .init(id: "a b#?%c", prompt: text, subset: "<i>one</i>"),
        .init(id: "javascript:alert(3)", prompt: "a cat and a frog", subset: "'\"onload=alert(2)"),
      ], methods: [("stable-diffusion", "Stable Diffusion")], seeds: [0])
    try bench.makeRuns(["--tokens", "cat,frog"])
    #expect(try bench.benchmark("report", "bench").status == 0)
    let address = "file://\(bench.folder.path)/bench/report.html"
    let read = """
      [document.querySelector('#pictures bdi').textContent,
       document.querySelectorAll('img[src=x], b, i, script').length,
       document.querySelector('table').textContent.includes('<i>one</i>')].join('\\n')
      """
    let outcome = try HeadlessBrowser.run([
      ["open": address], ["evaluate": read], ["evaluate": Self.loaded], ["evaluate": Self.links],
      ["script": false], ["open": address],
      [
        "evaluate":
          "[...document.querySelectorAll('noscript a')].map((a) => a.getAttribute('href')).join(' ')"
      ],
    ])
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    #expect(outcome.texts[0] == "\(text)\n2\ntrue")
    #expect(!outcome.texts[1].split(separator: " ").contains("0"), "\(outcome.texts[1])")
    #expect(outcome.texts[2].hasPrefix("runs/a%20b%23%3F%25c/stable-diffusion/seed-0/ "))
    #expect(outcome.texts[3] == "runs/a%20b%23%3F%25c/ runs/javascript%3Aalert%283%29/")
  }
}
