import Foundation
import TestSupport
import Testing

/// The tables of `heed benchmark table`, as other programs read them.
@Suite("Tables of scores")
struct ScoreTableTests {
  private static let hostile = [
    "[a] *b", "50 % & $x$ #1 _ {", "}\\input{/etc/passwd}", "~^<>|\"", "*star \\\\ \\hline",
    "é and ß, \"quoted\"", "two  spaces",
  ]

  /// A benchmark whose subsets and titles are hostile.
  private func hostileBench() throws -> ScoredBench {
    try ScoredBench(
      prompts: Self.hostile.enumerated().map {
        ScoredBench.Prompt(id: "p\($0)", prompt: "a cat", subset: $1)
      },
      methods: Self.hostile.enumerated().map { ("method-\($0)", $1) })
  }

  /// Whether Debian's LaTeX with booktabs is there.
  private static let hasLaTeX = ["pdflatex --version", "kpsewhich booktabs.sty"].allSatisfy {
    line in
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line + " > /dev/null 2>&1"]
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test(
    "LaTeX compiles the table, whatever its names are",
    .enabled(
      if: hasLaTeX, "needs pdflatex with booktabs: texlive-latex-base and -recommended"),
    arguments: [[], ["--ablations"]])
  func latex(_ arguments: [String]) throws {
    let bench =
      arguments.isEmpty
      ? try hostileBench()
      : try ScoredBench(
        methods: [
          ("attend-and-excite", "Attend-and-Excite"), ("attend-and-excite+thresholds-none", "x"),
        ])
    if !arguments.isEmpty { try bench.makeRuns(["--vary", "thresholds=none"]) }
    let table = try bench.heed(["benchmark", "table", "bench", "--format", "latex"] + arguments)
    #expect(table.status == 0, "\(table.stderr)")
    #expect(table.stdout.components(separatedBy: "\\begin{tabular}").count == 3)
    try bench.folder.write("table.tex", table.stdout.utf8)
    try bench.folder.write(
      "paper.tex",
      """
      \\documentclass{article}
      \\usepackage[T1]{fontenc}
      \\usepackage{booktabs}
      \\begin{document}
      \\input{table}
      \\end{document}

      """.utf8)
    let printed = try bench.python(
      """
      import subprocess
      run = subprocess.run(["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error",
                            "paper.tex"], capture_output=True)
      print(run.returncode, run.stdout.decode(errors="replace")[-1500:] if run.returncode else "")
      """)
    #expect(printed.hasPrefix("0 "), "\(printed)")
    let text = try bench.python(
      """
      import subprocess
      print(subprocess.run(["pdftotext", "-layout", "paper.pdf", "-"], capture_output=True, text=True).stdout)
      """)
    let words =
      arguments.isEmpty
      ? ["[a] *b", "50 % & $x$ #1", "\\input{/etc/passwd}", "é and", "+0."] : ["usual"]
    for word in words { #expect(text.contains(word), "\(text)") }
  }

  @Test("Python reads from CSV the names as they are, and the means that it computes itself")
  func csv() throws {
    let bench = try hostileBench()
    let table = try bench.benchmark("table", "bench", "--format", "csv")
    #expect(table.status == 0, "\(table.stderr)")
    #expect(table.stdout.contains("\r\n") && table.stdout.hasSuffix("\r\n"))
    try bench.folder.write("table.csv", table.stdout.utf8)
    let answer = try bench.python(
      """
      import csv, json
      rows = list(csv.DictReader(open("table.csv", newline="")))
      scores = [json.loads(line) for line in open("bench/scores/clip.jsonl")]
      subsets = {p["id"]: p["subset"] for p in map(json.loads, open("bench/suite.jsonl"))}
      for row in rows:
          mine = [s["values"]["full"] for s in scores if s["method"] == row["method"]
                  and row["subset"] in ("all", subsets[s["id"]])]
          assert len(mine) == int(row["pictures"]) == int(row["clip_full_n"]), row
          assert abs(sum(mine) / len(mine) - float(row["clip_full"])) < 1e-12, row
      print(json.dumps([len(rows), sorted({row["subset"] for row in rows})]))
      """)
    let expected = [8 * 7, (Self.hostile + ["all"]).sorted()] as [Any]
    let got = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [Any]
    #expect(got?[0] as? Int == expected[0] as? Int)
    #expect((got?[1] as? [String])?.sorted() == (Self.hostile + ["all"]).sorted())
  }

  @Test("--seeds leaves other pictures out of every mean, and photos in")
  func seeds() throws {
    let bench = try ScoredBench(seeds: [0, 1, 2, 7])
    try bench.write(
      "bench/scores/photos.jsonl",
      [
        [
          "scorer": "clip", "model": "test", "id": "p1", "method": "photos", "seed": 99,
          "photo": "p1/a.png", "values": ["full": 0.5],
        ] as [String: Any]
      ])
    func rows(_ arguments: [String]) throws -> [[String: Any]] {
      let table = try bench.heed(["benchmark", "table", "bench", "--format", "json"] + arguments)
      #expect(table.status == 0, "\(table.stderr)")
      let document = try JSONSerialization.jsonObject(with: Data(table.stdout.utf8))
      return try #require((document as? [String: Any])?["rows"] as? [[String: Any]])
    }
    let chosen = try rows(["--seeds", "7,1"])
    for (method, name) in bench.methods.map(\.name).enumerated() {
      let row = try #require(
        chosen.first { $0["method"] as? String == name && $0["subset"] as? String == "animals" })
      let own = [0, 1].flatMap { prompt in
        [1, 7].map { bench.score("full", prompt, method, $0) }
      }
      #expect(row["pictures"] as? Int == own.count)
      let mean = try #require(row["clip_full"] as? Double)
      #expect(abs(mean - own.reduce(0, +) / Double(own.count)) < 1e-12)
    }
    #expect(chosen.contains { $0["method"] as? String == "photos" })
    #expect(try rows([]).count == chosen.count)
    let unknown = try bench.benchmark("table", "bench", "--seeds", "3")
    #expect(unknown.status == 64)
    #expect(unknown.stderr.contains("no seed 3; expected some of 0, 1, 2, 7"))
  }

  @Test("n counts pictures with any score, each once")
  func counts() throws {
    let bench = try ScoredBench()
    // A second scorer of one picture that the first scored too, and of one more.
    try bench.write(
      "bench/scores/blip.jsonl",
      [(0, "p1"), (5, "p1")].map { seed, id in
        [
          "scorer": "blip", "model": "test", "id": id, "method": "stable-diffusion", "seed": seed,
          "values": ["text-text": 0.7],
        ]
      })
    let table = try bench.benchmark("table", "bench", "--format", "json")
    let document = try JSONSerialization.jsonObject(with: Data(table.stdout.utf8))
    let rows = try #require((document as? [String: Any])?["rows"] as? [[String: Any]])
    let row = try #require(
      rows.first {
        $0["subset"] as? String == "animals" && $0["method"] as? String == "stable-diffusion"
      })
    #expect(row["pictures"] as? Int == 5 && row["prompts"] as? Int == 2)
    #expect(row["clip_full_n"] as? Int == 4 && row["blip_text-text_n"] as? Int == 2)
    let text = try bench.benchmark("table", "bench")
    #expect(text.stdout.contains("(4)") && text.stdout.contains("round brackets"))
    // Without --scorers the paper's columns are there also where nothing is scored so.
    #expect(text.stdout.contains("not scored") && text.stdout.contains("BLIP-VQA"))
    let clip = try bench.benchmark("table", "bench", "--scorers", "clip")
    #expect(clip.stdout.contains("CLIP full prompt") && !clip.stdout.contains("not scored"))
    #expect(!clip.stdout.contains("BLIP") && !clip.stdout.contains("round brackets"))
  }

  @Test("Ablations have a row for each value, compared with the unvaried runs of the same pictures")
  func ablations() throws {
    let bench = try ScoredBench(
      methods: [
        ("stable-diffusion", "Stable Diffusion"), ("attend-and-excite", "Attend-and-Excite"),
        ("attend-and-excite+scale-factor-40", "40"), ("attend-and-excite+scale-factor-5", "5"),
        ("attend-and-excite+smooth-false", "not smooth"),
      ])
    try bench.makeRuns(["--vary", "scale-factor=40,5", "--vary", "smooth=false"])
    let table = try bench.benchmark("table", "bench", "--ablations", "--format", "json")
    #expect(table.status == 0, "\(table.stderr)")
    let document = try JSONSerialization.jsonObject(with: Data(table.stdout.utf8))
    let rows = try #require((document as? [String: Any])?["rows"] as? [[String: Any]])
    let names = rows.map { "\($0["knob"] ?? "") \($0["value"] ?? "")" }
    #expect(
      names == [
        "scale-factor 5", "scale-factor 20", "scale-factor 40", "smooth true", "smooth false",
      ])
    for (row, method) in zip(rows, [3, 1, 2, 1, 4]) {
      var (mean, difference) = (0.0, 0.0)
      for prompt in 0..<4 {
        for seed in 0..<2 {
          let own = bench.score("full", prompt, method, seed)
          mean += own / 8
          difference += (own - bench.score("full", prompt, 1, seed)) / 8
        }
      }
      let found = try #require(row["clip_full"] as? Double)
      #expect(abs(found - mean) < 1e-12 && row["pictures"] as? Int == 8)
      if method == 1 {
        #expect(row["clip_full_difference"] is NSNull)
      } else {
        let other = try #require(row["clip_full_difference"] as? Double)
        #expect(abs(other - difference) < 1e-12)
      }
    }
    let text = try bench.benchmark("table", "bench", "--ablations")
    #expect(text.stdout.contains("20 (usual)"))
    #expect(text.stdout.contains("Differences to Attend-and-Excite with nothing varied"))
    let figure = try bench.benchmark(
      "figure", "bench", "--kind", "ablations", "-o", "a.json", "-o", "a.pdf")
    #expect(figure.status == 0, "\(figure.stderr)")
    let scene = bench.folder.text("a.json")
    for word in ["scale-factor", "smooth", "as usual", "CLIP full prompt"] {
      #expect(scene.contains(word), "\(word)")
    }
    let none = try ScoredBench()
    expectRefusal(
      try none.benchmark("table", "bench", "--ablations"), 65, ["--ablations or --vary"])
    expectRefusal(
      try none.benchmark("figure", "bench", "--kind", "ablations"), 65, ["--ablations or --vary"])
  }
}
