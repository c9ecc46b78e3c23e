import AttentionTrace
import Foundation
import FoundationXML
import TensorEngine
import TestSupport
import Testing

/// Pages of `heed report` as a browser shows them.
@Suite(
  "heed report in a browser",
  .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
struct ReportBrowserTests {
  private static let prompt = ReportPage.prompt
  private static let root = "runs/a-cat-and-a-frog"
  private static let loss = "up_blocks.2.attentions.0.transformer_blocks.0.attn2"
  private static let small = "mid_block.attentions.0.transformer_blocks.0.attn2"

  private func withPage(_ body: (TemporaryFolder, String) throws -> Void) throws {
    let page = try ReportPage()
    try body(page.folder, page.address)
  }

  /// One state by its address, and what must be read there.
  private struct State {
    var run = 0
    var compare: Int?
    var token = 2
    var step: Int?
    var layer: String?
    var head: Int?
    var branch = Branch.conditional
    var cell = (row: 0, column: 0)

    var hash: String {
      "#run=\(run)&compare=\(compare.map(String.init) ?? "none")&token=\(token)"
        + "&step=\(step.map(String.init) ?? "mean")&layer=\(layer ?? "mean")"
        + "&head=\(head.map(String.init) ?? "mean")&branch=\(branch.rawValue)&lock=1"
        + "&cell=\(cell.row),\(cell.column)"
    }

    /// The mean over the heads, layers and steps chosen, from the chunks themselves.
    func value(in run: RecordedRun) throws -> Double {
      let layers = run.sites.filter {
        $0.site.kind == .cross
          && (layer == nil ? $0.site.grid == run.manifest.method.grid : $0.site.path == layer)
      }
      let calls = run.calls.filter {
        $0.phase == .denoise && $0.branch == branch && (step == nil || $0.step == step)
      }
      var (sum, count) = (0.0, 0.0)
      for site in layers {
        for call in calls {
          let maps = try #require(try run.maps(site.site.path, call: call.call)).values
          for head in head.map({ [$0] }) ?? Array(0..<site.site.heads) {
            let pixel = cell.row * site.site.grid.columns + cell.column
            sum += Double(maps[(head * site.site.grid.pixels + pixel) * site.keys + token])
            count += 1
          }
        }
      }
      return sum / count
    }
  }

  @Test("Each address shows its state, with the values of the recording")
  func states() throws {
    let states = [
      State(step: 5, cell: (6, 11)), State(compare: 1, token: 5, step: 0, cell: (8, 3)),
      State(run: 1, compare: 0, step: 3, cell: (10, 4)), State(token: 0, cell: (0, 0)),
      State(token: 4, step: 2, layer: Self.loss, cell: (15, 15)),
      State(compare: 1, step: 4, layer: Self.loss, head: 3, cell: (7, 9)),
      State(step: 1, layer: Self.small, head: 0, branch: .unconditional, cell: (3, 2)),
      State(run: 1, token: 1, layer: Self.small, head: 2, cell: (1, 0)),
      State(compare: 1, token: 3, step: 5, branch: .unconditional, cell: (2, 13)),
    ]
    try withPage { folder, page in
      let runs = try ["stable-diffusion", "attend-and-excite"].map {
        try RecordedRun("\(folder.path)/\(Self.root)/\($0)/seed-3")
      }
      let read = """
        [document.body.dataset.state, document.getElementById("note").textContent,
         ...["first", "second"].map((id) => document.getElementById(id))
           .flatMap((view) => view.hidden ? [""] : [view.dataset.value,
             view.querySelector(".value").textContent])].join("|")
        """
      let outcome = try HeadlessBrowser.run(
        states.flatMap { [["open": page + $0.hash], ["evaluate": read]] })
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      for (state, text) in zip(states, outcome.texts) {
        let parts = text.components(separatedBy: "|")
        #expect(parts.prefix(2) == [state.hash, ""], "\(text)")
        for (place, run) in [state.run, state.compare].compactMap(\.self).enumerated() {
          let wanted = try state.value(in: runs[run])
          let value = try #require(Double(parts[2 + 2 * place]))
          #expect(abs(value - wanted) <= wanted * 0x1p-10 + 0x1p-24, "\(state.hash)")
          let shown = parts[3 + 2 * place].components(separatedBy: ": ")
          #expect(shown[0] == "row \(state.cell.row), column \(state.cell.column)")
          let digits = try #require(Double(shown[1]))
          #expect(abs(digits - value) <= value * 0.000_51, "\(shown)")
        }
      }
    }
  }

  @Test(
    "A detector's boxes lie over the picture where the detector saw them, with words and scores within it"
  )
  func boxes() throws {
    let page = try ReportPage(of: [ReportPage.everything], ["--boxes"])
    let read = """
      (() => {
        const view = document.getElementById("first");
        const data = JSON.parse(document.getElementById("data").textContent);
        const picture = view.querySelector(".picture img").getBoundingClientRect();
        const svg = view.querySelector("svg.boxes");
        const within = (r) => r.left > picture.left - 2 && r.right < picture.right + 2
          && r.top > picture.top - 2 && r.bottom < picture.bottom + 2;
        const boxes = [...svg.querySelectorAll("rect[stroke]")].map((rect) => {
          const r = rect.getBoundingClientRect();
          return [(r.left - picture.left) / picture.width, (r.top - picture.top) / picture.height,
            (r.right - picture.left) / picture.width, (r.bottom - picture.top) / picture.height];
        });
        const wanted = data.runs[view.dataset.run].boxes;
        const far = Math.max(...wanted.flatMap((box, k) => box.edges.map((e, i) => Math.abs(e - boxes[k][i]))));
        const labels = [...svg.querySelectorAll("text")];
        return [wanted.length, boxes.length, far < 0.02, labels.map((l) => l.textContent).join(","),
          labels.every((l) => within(l.getBoundingClientRect())),
          wanted.map((box) => `${box.word} ${box.score}`).join(",")].join("|");
      })()
      """
    for size in [[1280, 900], [360, 740]] {
      let outcome = try page.browse(at: "#run=0", size: size, [["evaluate": read]])
      let parts = try #require(outcome.texts.last).components(separatedBy: "|")
      #expect(parts.prefix(3) == ["2", "2", "true"], "\(parts)")
      #expect(parts[3] == parts[5] && parts[3].hasPrefix("cat "), "\(parts)")
      #expect(parts[4] == "true", "\(parts)")
    }
  }

  @Test(
    "The page asks for nothing, complains of nothing, and is read at 360 and 1920 pixels in both themes"
  )
  func quiet() throws {
    let facts = """
      (() => {
        const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
        const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
        const ground = (e) => {
          for (; e; e = e.parentElement) {
            const c = numbers(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] === 1) return c;
          }
          return [255, 255, 255];
        };
        let least = 21;
        for (const e of document.querySelectorAll("body *")) {
          const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
          if (!own || !e.checkVisibility() || e.disabled) continue;
          const svg = e.namespaceURI !== document.body.namespaceURI;
          const ink = light(numbers(svg ? getComputedStyle(e).fill : getComputedStyle(e).color));
          const paper = light(ground(e));
          const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
          least = Math.min(least, contrast);
        }
        return [document.documentElement.scrollWidth - innerWidth, least.toFixed(2)].join(" ");
      })()
      """
    try withPage { _, page in
      var commands: [[String: Any]] = []
      for hash in ["", "#compare=none&cell=1,1", "#head=1&layer=\(Self.loss)"] {
        for (width, height) in [(360, 740), (1920, 1080)] {
          for isDark in [false, true] {
            commands += [
              ["size": [width, height]], ["dark": isDark], ["open": page + hash], ["wait": 0.1],
              ["evaluate": facts],
            ]
          }
        }
      }
      let outcome = try HeadlessBrowser.run(commands)
      #expect(outcome.values.count == 12)
      for text in outcome.texts {
        let parts = text.split(separator: " ")
        #expect(parts[0] == "0", "wider than the window by \(parts[0])")
        #expect(Double(parts[1]) ?? 0 >= 4.5, "contrast \(parts[1])")
      }
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      #expect(outcome.requests.allSatisfy { $0.hasPrefix("file://") || $0.hasPrefix("data:") })
      #expect(
        Set(outcome.requests.filter { $0.hasPrefix("file://") }.map { $0.prefix { $0 != "#" } })
          .count == 1)
    }
  }

  @Test("Keys and mouse pick words, steps and cells, and the live region says the value")
  func keys() throws {
    let state = "document.body.dataset.state"
    let focus = { (selector: String) in
      ["evaluate": "void document.querySelector('\(selector)').focus()"]
    }
    try withPage { _, page in
      let outcome = try HeadlessBrowser.run([
        ["size": [1280, 900]], ["open": page + "#run=0&compare=none&token=2&step=2&cell=3,3"],
        focus("[role=radio][aria-checked=true]"), ["key": "ArrowRight"],
        ["evaluate": "document.activeElement.textContent + ' ' + \(state)"],
        focus("#step"), ["key": "ArrowRight"], ["key": "ArrowRight"], ["evaluate": state],
        focus("#first canvas"), ["key": "ArrowDown"], ["key": "ArrowLeft"],
        [
          "evaluate":
            "\(state) + ' ' + (document.getElementById('live').textContent.split(': ').pop()"
            + " === Number(document.getElementById('first').dataset.value).toPrecision(4))"
        ],
        ["key": "m"],
        [
          "evaluate": """
          String(document.getElementById("first").dataset.value
            === document.getElementById("first").dataset.largest)
          """
        ],
        ["hover": ["#first canvas", 5.5 / 16, 1.5 / 16]], ["evaluate": state],
        ["until": "location.hash.includes('cell=1,5')"],
        ["evaluate": "location.hash"],
      ])
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      let texts = outcome.texts
      #expect(texts[0].hasPrefix("and ") && texts[0].contains("token=3"))
      #expect(texts[1].contains("step=4"))
      #expect(texts[2].contains("cell=4,2") && texts[2].hasSuffix(" true"), "\(texts[2])")
      #expect(texts[3] == "true")
      #expect(texts[4...5].allSatisfy { $0.contains("cell=1,5") }, "\(texts)")
    }
  }

  @Test("An address that means nothing falls back, and the page says so")
  func fallback() throws {
    try withPage { _, page in
      let read = """
        document.getElementById("note").textContent + "|" + document.body.dataset.state
        """
      let hashes = [
        "step=99", "token=70", "token=2,70", "token=0,1,2,3,4,5,6,7", "run=9", "layer=nosuch",
        "branch=sideways", "head=7&layer=\(Self.loss)", "cell=99,0", "compare=0", "color=red",
        "step=<img src=x onerror=alert(1)>", "__proto__=1", "head=1", "look=jet", "opacity=101",
        "show=nowhere", "curve=none",
      ].map { "#run=0&" + $0 }
      let outcome = try HeadlessBrowser.run(
        hashes.flatMap { [["open": page + $0], ["evaluate": read]] }
          + [
            ["open": page], ["evaluate": "void (location.hash = 'step=1&token=5')"],
            ["until": "document.body.dataset.state.includes('token=5&step=1&')"],
            ["evaluate": read],
          ])
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      for (hash, text) in zip(hashes, outcome.texts) {
        let isThere = hash.contains("run=9") || text.contains("|#run=0&")
        #expect(!text.hasPrefix("|") && text.contains("|#run=") && isThere, "\(hash): \(text)")
      }
      let last = try #require(outcome.texts.last)
      #expect(last.hasPrefix("|") && last.contains("token=5&step=1&"))
    }
  }

  @Test("A locked scale is one for both runs and all steps; unlocked, each map has its own")
  func scale() throws {
    try withPage { folder, page in
      let read = """
        ["first", "second"].flatMap((id) => {
          const view = document.getElementById(id);
          return [view.dataset.scale, view.dataset.largest,
            Number(view.querySelector(".ticks").lastChild.textContent)];
        }).join(" ")
        """
      let steps = 0..<6
      let outcome = try HeadlessBrowser.run(
        (steps.map { "#run=0&compare=1&token=2&lock=1&step=\($0)" } + [
          "#run=0&compare=1&token=2&lock=0&step=0"
        ]).flatMap {
          [["open": page + $0], ["evaluate": read]]
        })
      let rows = outcome.texts.map { $0.split(separator: " ").compactMap { Double($0) } }
      #expect(rows.count == 7 && rows.allSatisfy { $0.count == 6 })
      let largest = rows.prefix(6).flatMap { [$0[1], $0[4]] }.max()
      for row in rows.prefix(6) {
        #expect(row[0] == largest && row[3] == largest)
        #expect(abs(row[2] - row[0]) <= row[0] * 0.000_51 && row[5] == row[2])
      }
      #expect(rows[6][0] == rows[6][1] && rows[6][3] == rows[6][4] && rows[6][0] != rows[6][3])
    }
  }

  @Test("The view is exported as a standalone SVG")
  func export() throws {
    try withPage { folder, page in
      try folder.write("down/note", [])
      let outcome = try HeadlessBrowser.run([
        ["downloads": folder.path + "/down"], ["open": page + "#run=0&step=3&token=5"],
        ["evaluate": "void document.getElementById('export').click()"], ["downloaded": ".svg"],
      ])
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      let name = try #require(folder.names.first { $0.hasSuffix(".svg") })
      #expect(name == "down/heed-frog-step-3.svg")
      let counter = ElementCounter()
      let parser = XMLParser(data: Data(folder.bytes(name)))
      parser.delegate = counter
      #expect(parser.parse())
      // Two maps of 16×16, two colour bars of 256 colours, and the paper.
      #expect(counter.counts["rect"] == 2 * 256 + 2 * 256 + 1)
      #expect(counter.counts["image"] == nil && counter.counts["script"] == nil)
      #expect(folder.text(name).contains(Self.prompt))
    }
  }

  @Test("Without JavaScript the page is a contact sheet")
  func noScript() throws {
    try withPage { _, page in
      let read = """
        [document.getElementById("app").checkVisibility(),
         [...document.querySelectorAll("#sheet img")].filter((i) => i.naturalWidth > 0).length,
         document.querySelectorAll(".verdicts li").length, document.title,
         document.documentElement.scrollWidth - innerWidth].join("|")
        """
      let outcome = try HeadlessBrowser.run([
        ["size": [360, 740]], ["script": false], ["open": page], ["evaluate": read],
      ])
      // Two runs with a picture and two subjects, and the colour scale.
      #expect(outcome.texts == ["false|7|4|a cat and a frog – Heed|0"])
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    }
  }

  @Test("A hostile prompt is shown as what it says, and nothing of it runs")
  func hostilePrompt() throws {
    let prompt = "</script><img src=x onerror=alert(1)> a cat & \"a frog\" 猫 {{data}} <b>\u{2028}"
    let folder = try TemporaryFolder()
    let recording = try HeedProcess.run(
      ["compare", prompt, "--tokens", "cat,frog", "--steps", "2", "--seeds", "0"], in: folder.path)
    #expect(recording.status == 0, "\(recording.stderr)")
    #expect(try HeedProcess.run(["report", "runs"], in: folder.path).status == 0)
    let read = """
      [document.querySelector("h1").textContent.trim(),
       [...document.querySelectorAll("#tokens button")].map((b) => b.textContent).join(""),
       document.querySelectorAll("img[src=x], b, script").length,
       document.documentElement.scrollWidth - innerWidth].join("\\n")
      """
    let outcome = try HeadlessBrowser.run([
      ["downloads": folder.path], ["size": [360, 740]],
      ["open": "file://\(folder.path)/report.html"], ["evaluate": read],
      ["evaluate": "void document.getElementById('export').click()"], ["downloaded": ".svg"],
    ])
    let picture = try #require(folder.names.first { $0.hasSuffix(".svg") })
    #expect(XMLParser(data: Data(folder.bytes(picture))).parse())
    #expect(folder.text(picture).contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"))
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    let parts = try #require(outcome.texts.first).components(separatedBy: "\n")
    #expect(parts[0] == prompt.trimmingCharacters(in: .whitespacesAndNewlines))
    #expect(parts[1].hasPrefix("start</script><imgsrc=xonerror=alert(1)>acat&\"afrog\"猫"))
    #expect(parts[2...] == ["2", "0"])
    #expect(
      outcome.requests.allSatisfy {
        $0.hasPrefix("file://\(folder.path)/report.html") || $0.hasPrefix("data:")
      })
  }
}

/// How often each element is in a document.
private final class ElementCounter: NSObject, XMLParserDelegate {
  private(set) var counts: [String: Int] = [:]

  func parser(
    _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
    attributes _: [String: String]
  ) { counts[name, default: 0] += 1 }
}
