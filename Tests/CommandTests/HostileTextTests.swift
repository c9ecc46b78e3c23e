import Foundation
import FoundationXML
import TestSupport
import Testing

/// Prompts, words, titles and names of files that say what a program might do, in every figure and page.
@Suite("Hostile text")
struct HostileTextTests {
  /// A run of imported maps, all of whose texts are hostile, and what commands make of it.
  private struct HostileRun {
    let folder: TemporaryFolder
    let runs: String

    /// Imports maps of a prompt's words, parted by spaces.
    init(prompt: String, title: String? = nil, model: String = "model", runs: String = "runs")
      throws
    {
      folder = try TemporaryFolder()
      self.runs = runs
      let words = prompt.split(separator: " ").map { ["piece": String($0), "word": String($0)] }
      let tokens: [Any] = ["<|startoftext|>"] + words + ["<|endoftext|>"]
      try folder.write("tokens.json", JSONSerialization.data(withJSONObject: tokens))
      try folder.write("maps.npy", Self.maps(tokens: tokens.count))
      let result = try heed([
        "import", "maps.npy", "--axes", "row,column,token", "--tokens", "tokens.json", "--prompt",
        prompt,
        "--method", title ?? prompt, "--model", model, "--layers", "layer", "--subjects", "@1",
        "-o", runs,
      ])
      #expect(result.status == 0, "\(result.stderr)")
      expectPlain(result.stdout)
      expectPlain(result.stderr)
    }

    /// Two rows and columns of equal numbers, as NumPy saves them.
    private static func maps(tokens: Int) -> [UInt8] {
      let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, \(tokens)), }"
      let header = text.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
      let number = withUnsafeBytes(of: (1 / Float(tokens)).bitPattern.littleEndian) { Array($0) }
      return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
        + Array([[UInt8]](repeating: number, count: 4 * tokens).joined())
    }

    func heed(_ arguments: [String]) throws -> HeedProcess.Result {
      try HeedProcess.run(arguments, in: folder.path)
    }

    /// What another program prints of a file.
    func output(of program: String, _ arguments: String...) throws -> String {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/" + program)
      process.arguments = arguments
      process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      try process.run()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(program)")
      return String(decoding: data, as: UTF8.self)
    }
  }

  private static let texts = [
    "<script>window.hit=1</script>", "\"><img src=x onerror=window.hit=1>",
    "</script><script>window.hit=1</script>", "javascript:window.hit=1",
    "'onmouseover='window.hit=1",
    "{{data}}{{script}}", "<!--<script>", "]]>&lt;b&gt;&#60;i>", "a\u{2028}b\u{2029}c",
    "\u{202E}gnp.exe\u{202C}\u{2066}iso\u{2069}",
  ]

  /// Prompts that work, each drawn in all backends.
  private static let prompts =
    texts + [
      "a \u{1B}[31mcat\u{1B}[0m \u{7}bell", "del\u{7F} \u{85}line \u{9B}31mred",
      "tab\tand\u{B}more",
      "a\r\ncat", "\\input{/etc/passwd} $x_1$ % #", "&amp; <a href='javascript:1'> \"",
      "חתול וצפרדע", "猫 と 蛙",
      "👨\u{200D}👩\u{200D}👧 🐸", "e\u{301}le\u{301}phant", String(repeating: "\u{301}", count: 60),
      "cat cat cat cat", "\u{FEFF}cat \u{200B}frog", "%s%n %x ../../etc/passwd -",
    ]

  @Test("A hostile prompt is drawn as what it says in every backend", arguments: prompts)
  func backends(_ prompt: String) throws {
    let run = try HostileRun(prompt: prompt)
    for command in [
      ["sheet", "runs", "--layout", "tokens", "-o", "a.svg"],
      ["sheet", "runs", "--layout", "compare", "-o", "a.pdf", "-o", "a.png"],
      ["report", "runs", "-o", "a.html"],
      ["analyze", "runs"], ["analyze", "runs", "--report", "words"], ["ls", "runs"],
    ] {
      let result = try run.heed(command)
      #expect(result.status == 0, "\(command): \(result.stderr)")
      expectPlain(result.stdout)
      expectPlain(result.stderr)
    }
    try checkSVG(run)
    checkPNG(run.folder.bytes("a.png"))
    let facts = try run.output(of: "pdfinfo", "a.pdf")
    #expect(facts.contains("JavaScript:      no"), "\(facts)")
    expectPlain(facts)
    let text = try run.output(of: "pdftotext", "a.pdf", "-")
    #expect(!text.isEmpty)
    expectPlain(text.replacingOccurrences(of: "\u{C}", with: ""))
    let page = run.folder.text("a.html")
    #expect(
      page.components(separatedBy: "<script").count == 3
        && page.components(separatedBy: "<img src=x").count == 1)
    let controls = page.unicodeScalars.filter { $0.properties.generalCategory == .control }
    #expect(controls.allSatisfy { $0 == "\n" || $0 == "\t" })
  }

  /// Whether the drawing is XML that can do nothing.
  private func checkSVG(_ run: HostileRun) throws {
    let reader = MarkupReader()
    let parser = XMLParser(data: Data(run.folder.bytes("a.svg")))
    parser.delegate = reader
    #expect(parser.parse())
    #expect(
      reader.elements.isDisjoint(with: ["script", "img", "a", "b", "i", "iframe", "foreignObject"]))
    #expect(!reader.attributes.contains { $0.hasPrefix("on") })
    expectPlain(run.folder.text("a.svg"))
  }

  /// Whether a picture's texts hold nothing that steers whoever prints them.
  private func checkPNG(_ bytes: [UInt8]) {
    var (place, texts) = (8, 0)
    while place + 12 <= bytes.count {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      if bytes[place + 4..<place + 8].elementsEqual("iTXt".utf8) {
        texts += 1
        let content = bytes[place + 8..<place + 8 + length].drop { $0 != 0 }.drop { $0 == 0 }
        expectPlain(String(decoding: content, as: UTF8.self).replacing("\t", with: ""))
      }
      place += 12 + length
    }
    #expect(place == bytes.count && texts >= 3)
  }

  // MARK: - Pages

  /// Tries what the policy of a page must refuse, and says what was refused and what ran all the same.
  private static let trials = """
    (async () => {
      const refused = [];
      document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
      const add = (tag, change) => {
        const element = document.createElement(tag);
        try { change(element); } catch { refused.push("exception"); }
        document.body.append(element);
        return element;
      };
      add("script", (e) => { e.textContent = "window.hit = 2"; });
      add("script", (e) => { e.src = "https://heed.invalid/x.js"; });
      add("div", (e) => { e.setAttribute("onclick", "window.hit = 3"); }).click();
      add("div", (e) => { e.innerHTML = "<img src=x onerror=window.hit=4>"; });
      add("a", (e) => { e.href = "javascript:window.hit=5"; }).click();
      add("img", (e) => { e.src = "https://heed.invalid/x.png"; });
      add("iframe", (e) => { e.src = "https://heed.invalid/"; });
      add("link", (e) => { e.rel = "stylesheet"; e.href = "https://heed.invalid/x.css"; });
      add("form", (e) => { e.action = "https://heed.invalid/"; }).submit();
      let fetched = "refused";
      try { await fetch("https://heed.invalid/"); fetched = "fetched"; } catch {}
      const wanted = ["img-src", "frame-src", "style-src-elem", "connect-src", "form-action"];
      const lacking = () => wanted.filter((directive) => !refused.includes(directive));
      const pause = () => new Promise((done) => setTimeout(done, 300));
      for (let k = 0; k < 100 && (lacking().length || refused.length < 10); k++) await pause();
      await pause();
      return [refused.length >= 10, lacking().join(), fetched, window.hit ?? "nothing"].join(" ");
    })()
    """

  /// What a page must not have: elements of hostile texts, and marks that they ran.
  private static let strange = """
    [document.querySelectorAll("script").length, document.querySelectorAll("img[src=x], b, i").length,
     [...document.querySelectorAll("*")].filter((e) => e.getAttributeNames().some((n) => n.startsWith("on"))).length,
     [...document.links].filter((a) => a.protocol === "javascript:").length, window.hit ?? "nothing"].join(" ")
    """

  /// Presses every button, opens every list and follows every link within the page, several times.
  private static let everything = """
    (async () => {
      for (let round = 0; round < 2; round++) {
        for (const menu of document.querySelectorAll("select")) {
          for (let k = 0; k < menu.options.length; k++) {
            menu.selectedIndex = k;
            for (const kind of ["input", "change"]) menu.dispatchEvent(new Event(kind, { bubbles: true }));
          }
        }
        const kinds = "button, summary, a[href^='#'], input[type=checkbox], input[type=radio]";
        for (const button of document.querySelectorAll(kinds)) {
          const leaves = ["export", "save"].includes(button.id);
          if (leaves || button.disabled || !button.checkVisibility()) continue;
          button.click();
          button.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
          await new Promise((done) => setTimeout(done, 5));
        }
      }
      return document.querySelectorAll("*").length > 20;
    })()
    """

  /// Opens a page, uses all of it, and tries its policy.
  ///
  /// Expects that nothing but what the page needs was asked for, and that nothing ran.
  private func expectHarmless(_ page: String, beside: String? = nil) throws {
    let quiet = try HeadlessBrowser.run([
      ["size": [1280, 900]], ["open": page], ["wait": 0.2], ["evaluate": Self.strange],
      ["evaluate": Self.everything], ["wait": 0.3], ["evaluate": Self.strange],
    ])
    #expect(quiet.problems.isEmpty, "\(quiet.problems)")
    #expect(
      quiet.requests.allSatisfy { request in
        request.hasPrefix(page) || request.hasPrefix("data:") || request.hasPrefix("blob:")
          || (beside.map(request.hasPrefix) ?? false)
      }, "\(quiet.requests)")
    let results = quiet.texts
    #expect(results.count == 3 && results[0] == "2 0 0 0 nothing", "\(results)")
    #expect(results.last == "2 0 0 0 nothing", "\(results)")
    // What the browser refuses it complains of; that there is such a complaint shows that the trial was one.
    let tried = try HeadlessBrowser.run([["open": page], ["evaluate": Self.trials]])
    #expect(tried.texts == ["true  refused nothing"], "\(tried.texts) \(tried.problems)")
  }

  @Test(
    "The report of a run whose every text is hostile runs nothing, asks for nothing, and keeps its policy",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func report() throws {
    let folder = Self.texts[1]
    let run = try HostileRun(
      prompt: Self.texts.joined(separator: " "), title: Self.texts[1], model: Self.texts[2],
      runs: folder)
    let made = try run.heed(["report", folder, "-o", "report.html"])
    #expect(made.status == 0, "\(made.stderr)")
    try expectHarmless("file://\(run.folder.path)/report.html")
  }

  @Test(
    "The report of a benchmark with hostile labels runs nothing, asks for nothing, and keeps its policy",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func benchmark() throws {
    let prompts = [
      Self.texts[0] + " a cat and a frog", Self.texts[5] + Self.texts[9] + " a cat and a frog",
    ]
    let bench = try ScoredBench(
      prompts: zip(["javascript:window.hit=6", "<img src=x onerror=window.hit=1>"], prompts).map {
        .init(id: $0, prompt: $1, subset: Self.texts[1])
      }, seeds: [0])
    try bench.makeRuns(["--tokens", "cat,frog"])
    let record = bench.folder.text("bench/benchmark.json")
    let titles = try JSONEncoder().encode([Self.texts[1], Self.texts[2]])
    let labelled = record.replacing(
      /"titles":\[[^\]]*\]/, with: "\"titles\":" + String(decoding: titles, as: UTF8.self))
    #expect(labelled != record)
    try bench.folder.write("bench/benchmark.json", labelled.utf8)
    // What another program said of the pictures, under its name.
    let rows = try prompts.indices.map { place in
      let row: [String: Any] = [
        "id": bench.prompts[place].id, "method": "stable-diffusion", "seed": 0, Self.texts[2]: 0.25,
        "caption": Self.texts[3] + Self.texts[0] + "\u{2028}",
      ]
      return String(decoding: try JSONSerialization.data(withJSONObject: row), as: UTF8.self)
    }
    let file = "\"><img src=x onerror=window.hit=1>.jsonl"
    try bench.folder.write(file, (rows.joined(separator: "\n") + "\n").utf8)
    let read = try bench.benchmark("import", "bench", file, "--scored-by", Self.texts[1])
    #expect(read.status == 0, "\(read.stderr)")
    let made = try bench.benchmark("report", "bench")
    #expect(made.status == 0, "\(made.stderr)")
    let place = "file://\(bench.folder.path)/bench/"
    try expectHarmless(place + "report.html", beside: place + "runs/")
  }

  @Test(
    "A study of hostile prompts runs nothing, asks for nothing, and keeps its policy",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func study() throws {
    let prompts = [
      Self.texts[2] + Self.texts[1] + " a cat, a frog",
      Self.texts[7] + Self.texts[9] + " a cat, a frog",
    ]
    let bench = try StudyBench(
      prompts: prompts.map { ($0, Self.texts[1]) }, ["--tokens", "cat,frog"])
    let made = try bench.study("make", "bench", "--prompts", "2", "--seeds", "1")
    #expect(made.status == 0, "\(made.stderr)")
    try expectHarmless("file://\(bench.folder.path)/study.html")
  }
}

/// Which elements and attributes are in a document.
private final class MarkupReader: NSObject, XMLParserDelegate {
  private(set) var elements: Set<String> = []
  private(set) var attributes: Set<String> = []

  func parser(
    _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
    attributes: [String: String]
  ) {
    elements.insert(name)
    self.attributes.formUnion(attributes.keys)
  }
}
