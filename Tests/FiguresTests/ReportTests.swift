import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import Pictures
import PromptText
import RecordingProbe
import Testing

@Suite("The report of recorded runs")
struct ReportTests {
  private static let hostile =
    "</script><img src=x onerror=alert(1)> & \"quotes\" '猫' \u{2028}{{data}}\u{202E}<!--"

  private static let synthetic: SyntheticRun = {
    var run = SyntheticRun(plan: SyntheticRun.everything, steps: 3)
    run.prompt = hostile
    return run
  }()

  private func withReport<Result>(
    _ run: SyntheticRun = synthetic, budget: Int = AttentionReport.defaultBudget,
    _ body: (AttentionReport, RecordedRun) throws -> Result
  ) throws -> Result {
    try withFolder { folder in
      try run.record(into: RunFolder(path: folder.path))
      let recorded = try RecordedRun(folder.path)
      return try body(
        try AttentionReport(runs: [recorded], budget: budget, software: "test"), recorded)
    }
  }

  private func text(_ report: AttentionReport) -> String {
    String(decoding: report.html, as: UTF8.self)
  }

  /// What stands between two marks.
  private func part(_ page: String, _ start: String, _ end: String) throws -> String {
    let first = try #require(page.range(of: start))
    let last = try #require(page.range(of: end, range: first.upperBound..<page.endIndex))
    return String(page[first.upperBound..<last.lowerBound])
  }

  private func document(_ page: String) throws -> [String: Any] {
    let json = try part(page, "<script type=\"application/json\" id=\"data\">", "</script>")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  private func prompts(_ page: String) throws -> [[String: Any]] {
    try #require(try document(page)["prompts"] as? [[String: Any]])
  }

  /// The names of the runs, in their order.
  private func names(_ report: AttentionReport) throws -> [String] {
    let runs = try #require(try document(text(report))["runs"] as? [[String: Any]])
    return runs.compactMap { $0["name"] as? String }
  }

  @Test("The policy allows this file's script and style by their hashes, and nothing from outside")
  func policy() throws {
    let page = text(try withReport { report, _ in report })
    let policy = try part(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")
    #expect(policy.hasPrefix("default-src 'none'; "))
    #expect(!policy.contains("unsafe") && !policy.contains("http"))
    for (start, end, directive) in [
      ("<script>", "</script>", "script-src"), ("<style>", "</style>", "style-src"),
    ] {
      let content = try part(page, start, end)
      let digest = try withFolder { folder in
        try Data(content.utf8).write(to: folder.appendingPathComponent("part"))
        return try run("sha256sum", ["part"], folder: folder).output.prefix(64)
      }
      let digits = Array(digest)
      let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
      }
      #expect(policy.contains("\(directive) 'sha256-\(Data(bytes).base64EncodedString())'"))
    }
    for word in ["http://", "https://", "innerHTML", "eval(", "@import", "url("] {
      let isNamespace = word == "http://"
      let places = page.components(separatedBy: word).dropFirst()
      #expect(
        isNamespace ? places.allSatisfy { $0.hasPrefix("www.w3.org/2000/svg") } : places.isEmpty,
        "\(word)")
    }
  }

  @Test("A prompt is text, whatever it says")
  func hostilePrompt() throws {
    let page = text(try withReport { report, _ in report })
    #expect(!page.contains("<img src=x") && !page.contains("</script><img"))
    #expect(
      page.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot;"))
    #expect(page.components(separatedBy: "</script>").count == 3)
    #expect(try prompts(page).map { $0["text"] as? String } == [Self.hostile])
    let json = try part(page, "id=\"data\">", "</script>")
    #expect(!json.unicodeScalars.contains { "<>&\u{2028}\u{2029}".unicodeScalars.contains($0) })
    #expect(!(try part(page, "<title>", "</title>")).unicodeScalars.contains("\u{202E}"))
  }

  @Test("Every map of the page is the recording's, to float16")
  func maps() throws {
    try withReport { report, recorded in
      #expect(report.notes.isEmpty)
      let page = try document(text(report))
      let prompt = try #require(try prompts(text(report)).first)
      #expect(prompt["steps"] as? [Int] == [0, 1, 2])
      #expect(prompt["headSteps"] as? [Int] == [0, 1, 2])
      let run = try #require((page["runs"] as? [[String: Any]])?.first)
      #expect(run["tokens"] as? [Int] == Self.tokens)
      let layers = try #require(run["layers"] as? [[String: Any]])
      #expect(layers.count == 4)
      for layer in layers { try check(layer, recorded) }
    }
  }

  /// The start, the subjects and the end.
  private static let tokens = [0, 2, 5, 6]

  private func check(_ layer: [String: Any], _ recorded: RecordedRun) throws {
    let site = try #require(SyntheticRun.smallSites.first { $0.path == layer["path"] as? String })
    let calls = recorded.calls.filter {
      $0.phase == .denoise && $0.branch.rawValue == layer["branch"] as? String
    }
    #expect(calls.count == 3)
    let cells = site.grid.pixels
    /// A recorded value, by the synthetic run's own formula.
    func value(_ call: Int, _ head: Int, _ token: Int, _ cell: Int) -> Float {
      let maps = Self.synthetic.maps(site, call: calls[call].call)
      return Float(Float16(maps[(head * cells + cell) * site.keys + Self.tokens[token]]))
    }
    let (steps, heads) = (try numbers(layer["stepMaps"]), try numbers(layer["headMaps"]))
    let means = try numbers(layer["meanMaps"])
    let count = Self.tokens.count
    #expect(steps.count == 3 * count * cells && heads.count == site.heads * 3 * count * cells)
    #expect(means.count == (site.heads + 1) * count * cells)
    for token in 0..<count {
      for cell in 0..<cells {
        var total = 0.0
        for head in 0..<site.heads {
          let all = (0..<3).map { value($0, head, token, cell) }
          for step in 0..<3 {
            #expect(heads[((head * 3 + step) * count + token) * cells + cell] == all[step])
          }
          let mean = all.reduce(0.0) { $0 + Double($1) } / 3
          total += mean / Double(site.heads)
          #expect(isClose(means[((head + 1) * count + token) * cells + cell], mean))
        }
        #expect(isClose(means[token * cells + cell], total))
        for step in 0..<3 {
          let sum = (0..<site.heads).reduce(0.0) { $0 + Double(value(step, $1, token, cell)) }
          #expect(isClose(steps[(step * count + token) * cells + cell], sum / Double(site.heads)))
        }
      }
    }
  }

  /// Whether a number is another in float16: 11 significant bits, half of the last one off at most.
  private func isClose(_ number: Float, _ wanted: Double) -> Bool {
    abs(Double(number) - wanted) <= wanted * 0x1p-11 + 0x1p-24
  }

  private func numbers(_ base64: Any?) throws -> [Float] {
    let text = try #require(base64 as? String)
    let bytes = try #require(Data(base64Encoded: text))
    return stride(from: 0, to: bytes.count, by: 2).map {
      Float(Float16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))
    }
  }

  @Test("The same runs give the same bytes, in whatever order they come")
  func deterministic() throws {
    try withFolder { folder in
      let runs = try [("stable-diffusion", 1), ("attend-and-excite", 1), ("stable-diffusion", 0)]
        .enumerated().map { index, run in
          try recordSynthetic(folder.appendingPathComponent("\(index)"), run.0, seed: run.1, [:])
        }
      let first = try AttentionReport(runs: runs, software: "test")
      #expect(
        first.runs == 3 && first.prompts == 1 && first.tokens == Self.tokens.count
          && first.steps == 3)
      for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let again = try AttentionReport(runs: order.map { runs[$0] }, software: "test")
        #expect(again.html == first.html)
      }
      let page = folder.appendingPathComponent("page.html").path
      try first.write(to: page)
      #expect(try Data(contentsOf: URL(fileURLWithPath: page)) == Data(first.html))
    }
  }

  @Test("What does not fit the budget is left out, and the page says what")
  func budget() throws {
    var long = SyntheticRun(
      sites: [
        AttentionSite(
          path: "a.attn2", kind: .cross, heads: 4, grid: Grid(rows: 8, columns: 8), keys: 7)
      ], plan: RecordingPlan(layers: ["*"]), steps: 60)
    long.prompt = "a cat and a frog"
    let all = try withReport(long) { report, _ in report }
    #expect(all.steps == 60 && all.notes.isEmpty)
    // What is kept for curves and names is more than this run needs of it.
    let (maps, spare) = (60 * Self.tokens.count * 64 * 2 * 4 / 3, 24 << 10)
    for (budget, steps) in [
      (all.html.count + spare, 60), (all.html.count + spare - maps, 60),
      (all.html.count + spare - 4 * maps - maps / 2, 30),
    ] {
      let report = try withReport(long, budget: budget) { report, _ in report }
      #expect(report.html.count <= budget)
      #expect(report.steps == 60 ? steps == 60 : report.steps <= 31, "\(report.steps)")
      #expect(report.notes.allSatisfy { text(report).contains("<li><bdi>\($0)</bdi></li>") })
      #expect(report.notes.isEmpty == (budget > all.html.count))
      let kept = try prompts(text(report))[0]["steps"] as? [Int] ?? []
      #expect(kept.count == report.steps && kept.first == 0 && kept.last == 59)
    }
    #expect(throws: FigureError.self) { try withReport(long, budget: 50_000) { _, _ in } }
  }

  @Test("A chunk that is gone leaves a gap, and the page says so")
  func gone() throws {
    try withFolder { folder in
      try Self.synthetic.record(into: RunFolder(path: folder.path))
      let site = SyntheticRun.smallSites[1].path
      let call = try #require(try RecordedRun(folder.path).noisePredictions.first).call
      let chunks = folder.path + "/attention.zarr/" + site
      try FileManager.default.removeItem(atPath: chunks + "/c.\(call).0.0.0.0")
      let report = try AttentionReport(runs: [RecordedRun(folder.path)], software: "test")
      #expect(report.notes.count == 1 && report.notes[0].contains("1 recorded chunk"))
      let run = (try document(text(report))["runs"] as? [[String: Any]])?.first
      let layer = (run?["layers"] as? [[String: Any]])?.first { $0["path"] as? String == site }
      let steps = try numbers(layer?["stepMaps"])
      // The first step's maps, of six cells each.
      let gone = 6 * Self.tokens.count
      #expect(
        steps.prefix(gone).allSatisfy(\.isNaN) && !steps.dropFirst(gone).contains(where: \.isNaN))
    }
  }

  @Test("A run that goes on is shown as far as it was acknowledged")
  func unfinished() throws {
    try withFolder { folder in
      // The first step has a loss, two tries and two branches; then comes a loss.
      try Self.synthetic.record(into: RunFolder(path: folder.path), limit: 6)
      let report = try AttentionReport(runs: [RecordedRun(folder.path)], software: "test")
      #expect(report.steps == 1)
      #expect(report.notes.count == 1 && report.notes[0].contains("not complete"))
      #expect(text(report).contains("No picture yet."))
    }
  }

  @Test("Runs that differ in any setting stand in one page, and their names say in which")
  func differences() throws {
    try withFolder { folder in
      func run(
        _ name: String, _ method: String, seed: Int = 0, _ members: [String: Any] = [:],
        knobs: [String: String]? = nil
      ) throws -> RecordedRun {
        try recordSynthetic(
          folder.appendingPathComponent(name), method, seed: seed, members, knobs: knobs)
      }
      let runs = try [
        run("a", "attend-and-excite", knobs: ["scale-factor": "20.0", "max-altered-steps": "25"]),
        run("b", "attend-and-excite", knobs: ["scale-factor": "5.0", "max-altered-steps": "25"]),
        run("c", "stable-diffusion", ["guidanceScale": 3]),
        run("d", "stable-diffusion", seed: 7), run("e", "stable-diffusion", seed: 7),
      ]
      let report = try AttentionReport(runs: runs, software: "test")
      #expect(report.prompts == 1 && report.runs == 5 && report.notes.isEmpty)
      let names = try names(report)
      #expect(Set(names).count == 5, "\(names)")
      #expect(
        names.contains("Attend-and-Excite (scale factor 20, guidance 7.5), seed 0"), "\(names)")
      #expect(
        names.contains("Attend-and-Excite (scale factor 5, guidance 7.5), seed 0"), "\(names)")
      #expect(names.contains("Stable Diffusion (guidance 3), seed 0"))
      #expect(names.contains("Stable Diffusion (guidance 7.5), seed 7 (1 of 2 alike)"))
      #expect(!names.contains { $0.contains("altered") })
    }
  }

  @Test("Runs of several prompts stand in one page, by prompt, whatever order they come in")
  func severalPrompts() throws {
    try withFolder { folder in
      let runs = try [("dog and a frog", 0), ("cat and a frog", 0), ("dog and a frog", 1)]
        .enumerated().map { index, run in
          try recordSynthetic(
            folder.appendingPathComponent("\(index)"), "stable-diffusion", seed: run.1, [:],
            prompt: "a " + run.0)
        }
      let report = try AttentionReport(runs: runs, software: "test")
      #expect(report.prompts == 2 && report.runs == 3)
      let page = text(report)
      #expect(
        try prompts(page).map { $0["text"] as? String } == ["a cat and a frog", "a dog and a frog"])
      let places = try document(page)["runs"] as? [[String: Any]] ?? []
      #expect(places.map { $0["prompt"] as? Int } == [0, 1, 1])
      for place in 1...2 {
        #expect(
          page.contains("href=\"#prompt-\(place)\"") && page.contains("id=\"prompt-\(place)\""))
      }
      #expect(
        try AttentionReport(runs: runs.reversed(), software: "test").html == report.html)
    }
  }

  @Test("The page opens on the lowest score, and its verdicts begin with it")
  func worst() throws {
    try withFolder { folder in
      func run(_ name: String, seed: Int, _ scores: [Float]) throws -> RecordedRun {
        let place = folder.appendingPathComponent(name)
        _ = try recordSynthetic(place, "stable-diffusion", seed: seed, [:])
        return try measure(place, [[Float]](repeating: scores, count: 3))
      }
      let runs = try [run("a", seed: 0, [0.9, 0.95]), run("b", seed: 1, [0.85, 0.2])]
      let report = try AttentionReport(runs: runs, software: "test")
      let worst = try document(text(report))["worst"] as? [String: Any]
      let frog = runs[1].manifest.subjects[1]
      #expect(worst?["run"] as? Int == 1 && worst?["tokens"] as? [Int] == frog.tokens)
      let link = "#run=1&amp;token=\(frog.tokens[0])&amp;step=mean"
      let page = text(report)
      #expect(try part(page, "<p id=\"worst\">", "</p>").contains("href=\"\(link)\""))
      #expect(try part(page, "<ol class=\"verdicts\">", "</li>").contains("href=\"\(link)\""))
      // Every verdict and every cell of the contact sheet is a link.
      #expect(page.components(separatedBy: "<li><a href=\"#run=").count == 5)
      #expect(page.components(separatedBy: "<a id=\"run=").count == 3 + 4)
    }
  }

  @Test("A run without the words' maps is left out by name, and refused where it is alone")
  func leftOut() throws {
    try withFolder { folder in
      let good = try recordSynthetic(
        folder.appendingPathComponent("good"), "stable-diffusion", seed: 0, [:])
      let plans = [
        RecordingPlan(layers: ["*attn1"]), RecordingPlan(tokens: [3]),
        RecordingPlan(phases: [.loss]),
      ]
      for (index, plan) in plans.enumerated() {
        let path = folder.appendingPathComponent("bad-\(index)").path
        try SyntheticRun(plan: plan, steps: 2).record(into: RunFolder(path: path))
        let bad = try RecordedRun(path)
        #expect(throws: AnalysisError.self) { try AttentionReport(runs: [bad], software: "test") }
        let report = try AttentionReport(runs: [bad, good], software: "test")
        #expect(report.runs == 1 && report.notes.count == 1)
        #expect(report.notes[0].hasPrefix("left out: ") && report.notes[0].contains(path))
      }
      #expect(throws: AnalysisError.self) { try AttentionReport(runs: [], software: "test") }
    }
  }
}
