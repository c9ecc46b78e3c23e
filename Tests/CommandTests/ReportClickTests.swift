import AttentionTrace
import Foundation
import TensorEngine
import TestSupport
import Testing

/// What a reader does with a page of `heed report`, by real clicks.
@Suite(
  "heed report by clicks",
  .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
struct ReportClickTests {
  private static let state = "document.body.dataset.state"
  private static let small = "mid_block.attentions.0.transformer_blocks.0.attn2"

  /// Reads the first map's canvas: its size, and its bytes, four a pixel.
  private static let pixels = """
    const canvas = document.querySelector("#first canvas");
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const pixels = copy.getImageData(0, 0, width, height).data;
    """

  private func evaluate(_ expression: String) -> [String: Any] { ["evaluate": expression] }

  /// Picks the option of a menu whose text begins so.
  private func pick(_ menu: String, _ option: Int) -> [[String: Any]] {
    [["click": "#\(menu) > button"], ["click": "#\(menu) li:nth-child(\(option))"]]
  }

  @Test("The page opens on the most neglected subject, and cells and verdicts lead to theirs")
  func links() throws {
    let page = try ReportPage()
    let top = """
      [document.body.dataset.state, Math.round(document.getElementById("app").getBoundingClientRect().top),
       document.activeElement.id].join(" ")
      """
    let href = "[...document.querySelectorAll('%')].at(-1).getAttribute('href')"
    let outcome = try page.browse([
      evaluate("document.querySelector('#worst a').getAttribute('href')"), evaluate(Self.state),
      evaluate(href.replacing("%", with: "#sheet .thumbs a")),
      ["click": "#sheet .run:last-child a:last-child"], evaluate(top),
      evaluate(href.replacing("%", with: "#sheet .thumbs a:first-child")),
      ["click": "#sheet .run:last-child a:first-child"], evaluate(top),
      evaluate(href.replacing("%", with: ".verdicts a")),
      ["click": ".verdicts li:last-child a"], evaluate(top),
      evaluate("history.back()"), ["until": "document.body.dataset.state.startsWith('#run=1&')"],
      evaluate(Self.state),
    ])
    let texts = outcome.texts
    let worst = texts[0].components(separatedBy: "&")
    #expect(texts[1].hasPrefix(worst[0] + "&") && texts[1].contains("&\(worst[1])&step=mean"))
    for place in [2, 4, 6] {
      let fields = texts[place].dropFirst().components(separatedBy: "&")
      let shown = texts[place + 1]
      #expect(fields.allSatisfy { shown.contains($0) }, "\(texts[place]): \(shown)")
      #expect(shown.hasSuffix(" 0 app-title"), "the view is not at the top: \(shown)")
    }
    // Back leads to what was shown before.
    #expect(texts[8].hasPrefix("#run=1&"), "\(texts[8])")
    #expect(texts[5].contains("#run=1&"))
  }

  @Test(
    "A map lies over the grey picture as opaque as its value; cells are exact; a slider fades it")
  func overlay() throws {
    let page = try ReportPage()
    let read = """
      (() => {
        \(Self.pixels)
        const under = document.querySelector("#first .under");
        const view = document.getElementById("first").dataset;
        let [high, low] = [0, 255];
        for (let k = 3; k < pixels.length; k += 4) {
          high = Math.max(high, pixels[k]);
          low = Math.min(low, pixels[k]);
        }
        const cell = Math.floor(height * 6.5 / 16) * width + Math.floor(width * 11.5 / 16);
        return [width, high, low, view.largest / view.scale, view.value / view.scale,
          getComputedStyle(canvas).opacity, getComputedStyle(under).filter.includes("grayscale(1)"),
          under.naturalWidth > 0, ...pixels.slice(4 * cell, 4 * cell + 4)].join(" ");
      })()
      """
    let hash = "#run=1&compare=0&token=2&step=4&cell=6,11"
    let outcome = try page.browse(
      at: hash,
      [evaluate(read), ["drag": ["#opacity", 0.25]], evaluate(read)] + pick("look", 2)
        + [evaluate(read), evaluate(Self.state)])
    let rows = outcome.texts.prefix(3).map { $0.split(separator: " ") }
    let smooth = rows[0].compactMap { Double($0) }
    #expect(smooth[0] >= 160 && rows[0][6] == "true" && rows[0][7] == "true")
    // Between cells the value is interpolated, within the map's own range.
    #expect(smooth[1] <= 255 * smooth[3] + 1 && smooth[1] >= 255 * smooth[3] * 0.9)
    #expect(smooth[2] < 128 && smooth[5] == 1)
    let faded = rows[1].compactMap { Double($0) }
    #expect(abs(faded[5] - 0.25) <= 0.03 && faded[1] == smooth[1])
    let cells = rows[2].compactMap { Double($0) }
    #expect(cells[0] == 16 && cells[1] == 255 && cells[2] == 255)
    // matplotlib's magma at the value, within one step of its 256 colours.
    let wanted = Self.magma(cells[4])
    for channel in 0..<3 {
      #expect(abs(cells[6 + channel] - wanted[channel]) <= 14, "\(cells) \(wanted)")
    }
    let state = try #require(outcome.texts.last)
    #expect(state.contains("&look=cells&opacity=2"), "\(state)")
  }

  /// A few of matplotlib's colours of magma, and straight lines between them.
  private static func magma(_ fraction: Double) -> [Double] {
    let table: [[Double]] = [
      [0, 0, 4], [20, 14, 54], [59, 15, 112], [100, 26, 128], [140, 41, 129], [183, 55, 121],
      [222, 73, 104], [247, 112, 92], [254, 159, 109], [254, 207, 146], [252, 253, 191],
    ]
    let place = min(9.999, max(0, fraction * 10))
    let (lower, share) = (Int(place), place - place.rounded(.down))
    return (0..<3).map { table[lower][$0] + share * (table[lower + 1][$0] - table[lower][$0]) }
  }

  @Test("Play goes through the steps, pauses at a click, and ends at the last")
  func play() throws {
    let page = try ReportPage()
    let read =
      "new URLSearchParams(\(Self.state).slice(1)).get('step') + ' ' + document.getElementById('play').textContent"
    let end = """
      new Promise((done) => {
        const button = document.getElementById("play");
        const seen = new Set();
        const timer = setInterval(() => {
          seen.add(new URLSearchParams(document.body.dataset.state.slice(1)).get("step"));
          if (button.textContent === "Pause") return;
          clearInterval(timer);
          done([...seen].join(","));
        }, 5);
      })
      """
    let outcome = try page.browse(
      at: "#run=0&compare=none&token=2&step=mean",
      [
        ["click": "#play"], evaluate(end), evaluate(read), ["click": "#play"], ["click": "#play"],
        evaluate(read), ["wait": 0.6], evaluate(read), ["drag": ["#step", 0.99]], evaluate(read),
      ])
    let texts = outcome.texts
    #expect(texts[0].split(separator: ",").compactMap { Int($0) } == Array(0..<6), "\(texts[0])")
    #expect(texts[1] == "5 Play")
    #expect(texts[2].hasSuffix(" Play") && texts[3] == texts[2])
    #expect(texts[4] == "5 Play")
  }

  @Test("Several words stand side by side, or in their colours on one map")
  func words() throws {
    let page = try ReportPage()
    let read = """
      [\(Self.state), ...["first", "second"].map((id) => [...document.querySelectorAll(`#${id} .panel`)]
        .map((panel) => [panel.dataset.tokens, [...panel.querySelectorAll(".swatch")]
          .map((swatch) => getComputedStyle(swatch).backgroundColor).join(";"),
          panel.querySelector("figcaption").textContent].join("/")).join("|"))].join("||")
      """
    let hue = """
      (() => {
        \(Self.pixels)
        const strongest = (dominant) => {
          let best = -1;
          for (let k = 0; k < pixels.length; k += 4) {
            const [red, , blue, opacity] = pixels.slice(k, k + 4);
            if (dominant(red, blue)) best = Math.max(best, opacity);
          }
          return best;
        };
        return [strongest((red, blue) => blue > red + 60), strongest((red, blue) => red > blue + 60)].join(" ");
      })()
      """
    let outcome = try page.browse(
      at: "#run=1&compare=0&token=2&step=5",
      [
        evaluate(read), ["click": "#several"], ["click": "#tokens [data-token='5']"],
        evaluate(read),
      ]
        + pick("show", 2) + [
          evaluate(read), evaluate(hue), ["click": "#tokens [data-token='2']"],
          evaluate(read), ["click": "#several"], ["click": "#tokens [data-token='3']"],
          evaluate(read),
        ])
    let texts = outcome.texts
    let (blue, vermilion) = ("rgb(0, 114, 178)", "rgb(213, 94, 0)")
    for view in texts[1].components(separatedBy: "||").dropFirst() {
      let panels = view.components(separatedBy: "|").map { $0.components(separatedBy: "/") }
      #expect(panels.map { $0[0] } == ["2", "5"] && panels.map { $0[1] } == [blue, vermilion])
      #expect(panels.allSatisfy { $0[2].hasPrefix("peak 0.") }, "\(panels)")
    }
    #expect(texts[1].contains("token=2,5&"))
    for view in texts[2].components(separatedBy: "||").dropFirst() {
      let panels = view.components(separatedBy: "|").map { $0.components(separatedBy: "/") }
      #expect(panels.count == 1 && panels[0][0] == "2,5")
      #expect(panels[0][1] == "\(blue);\(vermilion)")
      #expect(panels[0][2].contains("cat peak 0.") && panels[0][2].contains("frog peak 0."))
    }
    #expect(texts[2].contains("&show=colors"))
    // Somewhere the cat's blue prevails, and somewhere the frog's vermilion.
    let strengths = texts[3].split(separator: " ").compactMap { Int($0) }
    #expect(strengths.allSatisfy { $0 > 60 }, "\(strengths)")
    #expect(texts[4].contains("token=5&") && texts[5].contains("token=3&"))
  }

  @Test(
    "The grid of layers and heads has the recording's peaks, and a cell shows its layer and head")
  func heads() throws {
    let page = try ReportPage()
    let run = try RecordedRun("\(page.folder.path)/runs/a-cat-and-a-frog/stable-diffusion/seed-3")
    let read = """
      [...document.querySelectorAll("#first .layer")].map((row) =>
        [...row.querySelectorAll(".peak")].map((peak) => peak.textContent).join(",")).join("|")
      """
    let sites = run.sites.filter { $0.site.kind == .cross }
    let row = try #require(sites.firstIndex { $0.site.path == Self.small })
    let outcome = try page.browse(
      at: "#run=0&compare=none&token=2&step=2",
      [
        evaluate(read),
        ["click": "#first .layer:nth-child(\(row + 1)) button:nth-child(3)"],
        evaluate(Self.state), evaluate("document.getElementById('first').dataset.largest"),
      ])
    let call = try #require(run.noisePredictions.first { $0.step == 2 })
    let rows = outcome.texts[0].components(separatedBy: "|")
    #expect(rows.count == sites.count)
    for (site, text) in zip(sites, rows) {
      let maps = try #require(try run.maps(site.site.path, call: call.call)).values
      let (cells, keys) = (site.site.grid.pixels, site.keys)
      let peaks = text.split(separator: ",").dropFirst()
        .map { Double($0.replacing("−", with: "-")) }
      #expect(peaks.count == site.site.heads)
      for head in 0..<site.site.heads {
        let wanted = (0..<cells).map { maps[(head * cells + $0) * keys + 2] }.max() ?? 0
        let peak = try #require(peaks[head])
        // Three digits, four decimals, of a value in float16.
        let slack = Double(wanted) * (wanted < 0.001 ? 0.06 : 0.006) + 0.00006
        #expect(abs(peak - Double(wanted)) <= slack, "\(site.site.path) \(head): \(peak)")
        if site.site.path == Self.small, head == 1 {
          let largest = try #require(Double(outcome.texts[2]))
          #expect(abs(largest - Double(wanted)) <= Double(wanted) * 0x1p-10)
        }
      }
    }
    #expect(outcome.texts[1].contains("layer=\(Self.small)&head=1"), "\(outcome.texts[1])")
  }

  @Test("Where one head of one layer was recorded, the page says that there is no grid")
  func noHeads() throws {
    let page = try ReportPage(of: [
      [
        "generate", ReportPage.prompt, "--steps", "2", "--layers", Self.small, "--heads", "1", "-o",
        "runs",
      ]
    ])
    let outcome = try page.browse([
      evaluate("document.querySelector('#first .heads').textContent"),
      evaluate("String(document.querySelectorAll('#first .layer').length)"),
    ])
    #expect(outcome.texts[0].contains("recorded one head of one layer"))
    #expect(outcome.texts[1] == "0")
  }

  /// Runs of two prompts, one of them by a method at two guidance scales.
  private static let various = [
    ["compare", ReportPage.prompt, "--steps", "3", "--seeds", "3"],
    [
      "generate", ReportPage.prompt, "--steps", "3", "--seeds", "3", "--guidance-scale", "4", "-o",
      "runs/other",
    ],
    ["compare", "a dog and a red car", "--steps", "3", "--seeds", "0"],
  ]

  /// What of the page's text is not wholly seen: outside the window, or cut by what it stands in.
  private static let cut = """
    (() => {
      const faults = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!node.data.trim() || !parent.checkVisibility() || parent.closest(".unseen")) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) {
          const isOut = box.left < -0.5 || box.right > innerWidth + 0.5;
          let cutter = null;
          for (let e = parent; e && e !== document.body; e = e.parentElement) {
            const style = getComputedStyle(e);
            const around = e.getBoundingClientRect();
            if (style.textOverflow === "ellipsis") cutter = e;
            if (style.overflowX !== "visible" && (box.right > around.right + 1 || box.left < around.left - 1)) cutter = e;
          }
          if (isOut || cutter) faults.push(node.data.trim().slice(0, 40));
        }
      }
      for (const e of document.querySelectorAll("button, a, canvas, img, svg")) {
        if (!e.checkVisibility()) continue;
        const box = e.getBoundingClientRect();
        if (box.left < -0.5 || box.right > innerWidth + 0.5) faults.push(e.outerHTML.slice(0, 60));
      }
      const wide = document.documentElement.scrollWidth - innerWidth;
      return [wide, ...faults].join("|");
    })()
    """

  @Test(
    "Several prompts have an index; menus name all that differs; nothing is cut at 360, 768, 1280")
  func prompts() throws {
    let page = try ReportPage(of: Self.various, ["--budget", "16"])
    let options = "[...document.querySelectorAll('#run li')].map((li) => li.textContent).join('|')"
    let top = "Math.round(document.getElementById('prompt-2').getBoundingClientRect().top)"
    for width in [360, 768, 1280] {
      let outcome = try page.browse(
        size: [width, 900],
        [
          evaluate(Self.cut), ["click": "nav li:nth-child(2) a"],
          evaluate("String(\(top))"), evaluate(options), ["click": "#run > button"],
          evaluate(Self.cut), ["click": "#run li:nth-child(1)"], evaluate(Self.state),
          evaluate("document.getElementById('shown').textContent"), ["click": "#several"],
          ["click": "#tokens [data-token='5']"], ["click": "#tokens [data-token='3']"],
          evaluate(Self.cut),
        ] + pick("show", 2) + pick("curve", 2) + pick("look", 2)
          + [["hover": ["#first canvas", 0.5, 0.5]], evaluate(Self.cut)])
      let texts = outcome.texts
      for place in [0, 3, 6, 7] { #expect(texts[place] == "0", "\(width): \(texts[place])") }
      #expect(abs(try #require(Int(texts[1]))) <= 1, "the index leads to \(texts[1])")
      let names = texts[2].components(separatedBy: "|")
      #expect(
        names == [
          "a cat and a frog – Stable Diffusion (guidance 7.5), seed 3",
          "a cat and a frog – Attend-and-Excite (guidance 4), seed 3",
          "a cat and a frog – Attend-and-Excite (guidance 7.5), seed 3",
          "a dog and a red car – Stable Diffusion, seed 0",
          "a dog and a red car – Attend-and-Excite, seed 0",
        ],
        "\(names)")
      #expect(texts[4].hasPrefix("#run=0&") && texts[5] == ReportPage.prompt)
    }
  }

  @Test("On paper stands the selection with its values, and each heading with what it heads")
  func paper() throws {
    let page = try ReportPage(of: Self.various, ["--budget", "16"])
    let pdf = page.folder.path + "/page.pdf"
    let outcome = try page.browse(
      at: "#run=1&compare=0&token=2,5&step=2&cell=6,11",
      [
        ["dark": true],
        evaluate("document.querySelector('#first .value').textContent"), ["print": pdf],
        evaluate("document.querySelector('#first figcaption').textContent"),
        evaluate("document.getElementById('selection').textContent"),
        evaluate(
          "[...document.querySelectorAll('h1,h2,h3,h4')].filter((h) => h.checkVisibility())"
            + ".map((h) => h.textContent.replace(/\\s+/g, ' ').trim()).join('|')"),
      ])
    let all = try text(of: pdf, "-raw")
    func isThere(_ text: String) -> Bool {
      all.filter { !$0.isWhitespace }.contains(text.filter { !$0.isWhitespace })
    }
    for text in outcome.texts.prefix(3) { #expect(isThere(text), "\(text) is not on paper") }
    #expect(isThere("“cat”, “frog”; step 2, timestep"))
    let headings = Set(
      outcome.texts[3].components(separatedBy: "|").map { $0.filter { !$0.isWhitespace } })
    #expect(headings.count > 8)
    // Lines from top to bottom, whatever order they were drawn in.
    let pages = try text(of: pdf, "-layout").components(separatedBy: "\u{0C}").map { page in
      page.components(separatedBy: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
    }.filter { !$0.isEmpty }
    #expect(pages.count > 2)
    for lines in pages {
      let last = try #require(lines.last).filter { !$0.isWhitespace }
      #expect(!headings.contains(last), "\(last) is parted from what it heads")
    }
  }

  private func text(of pdf: String, _ order: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/pdftotext")
    process.arguments = [order, pdf, pdf + ".txt"]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try String(contentsOfFile: pdf + ".txt", encoding: .utf8)
  }
}
