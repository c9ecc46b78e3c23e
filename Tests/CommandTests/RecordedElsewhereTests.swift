import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

/// Every command on runs that another program recorded: Stable Diffusion 3 with two text encoders, Flux 2 with
/// padding before the text, and CogVideoX with frames; all with the mean of heads, and joint attention.
@Suite("Runs recorded elsewhere")
struct RecordedElsewhereTests {
  private static let names = ["sd35", "flux2", "cogvideox"]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func path(_ name: String) -> String { "\(Repository.fixtures)/recorded/\(name)" }

  private func run(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  private func rows(_ arguments: [String]) throws -> [[String: Any]] {
    let result = try run(["analyze"] + arguments + ["--json"])
    #expect(result.status == 0, "\(result.stderr)")
    let document = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8))
    return try #require((document as? [String: Any])?["rows"] as? [[String: Any]])
  }

  @Test("Files are sound, and the run is listed", arguments: names)
  func sound(_ name: String) throws {
    let checked = try run(["check", Self.path(name)])
    #expect(checked.status == 0 && checked.stdout.hasSuffix(": 0 problems\n"), "\(checked.stdout)")
    let listed = try run(["ls", Self.path(name)])
    #expect(listed.stdout.contains("complete") && listed.stdout.contains("not measured"))
  }

  @Test(
    "ls reads no map: not even one that is gone keeps it from telling what there is",
    arguments: names)
  func listing(_ name: String) throws {
    let copy = folder.path + "/" + name
    try FileManager.default.copyItem(atPath: Self.path(name), toPath: copy)
    let run = try RecordedRun(copy)
    for call in run.calls where !call.checksums.isEmpty {
      for path in call.checksums.keys {
        let chunks = "\(run.folder.store)/\(path)"
        for file in try FileManager.default.contentsOfDirectory(atPath: chunks)
        where file.hasPrefix("c.") {
          try Data().write(to: URL(fileURLWithPath: chunks + "/" + file))
        }
      }
    }
    let result = try self.run(["ls", name, "--json"])
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["state"] as? String } == ["complete"])
    #expect(
      rows[0]["verdicts"] as? [String: String] == ["cat": "unmeasured", "frog": "unmeasured"])
  }

  /// A copy of a run in which a text of `run.json` is another.
  private func changed(_ name: String, _ truth: String, _ lie: String) throws -> String {
    let copy = folder.path + "/\(name)-changed"
    try FileManager.default.copyItem(atPath: Self.path(name), toPath: copy)
    let text = folder.text("\(name)-changed/run.json")
    #expect(text.contains(truth))
    try folder.write("\(name)-changed/run.json", text.replacing(truth, with: lie).utf8)
    return copy
  }

  @Test(
    "A run of the largest picture or video that there can be is drawn, though it has no picture",
    arguments: [
      ("cogvideox", "\"frames\": 9", "\"frames\": 1048576"),
      ("cogvideox", "\"width\": 48", "\"width\": 1048576"),
      ("sd35", "\"height\": 32", "\"height\": 1048576"),
    ])
  func largest(_ name: String, _ truth: String, _ lie: String) throws {
    let run = try changed(name, truth, lie)
    for file in ["image.png", "frames/000.png"]
    where FileManager.default.fileExists(atPath: run + "/" + file) {
      try FileManager.default.removeItem(atPath: run + "/" + file)
    }
    for arguments in [
      ["sheet", run, "--layout", "tokens", "-o", "sheet.png"],
      ["sheet", run, "--layout", "compare", "-o", "sheet.svg"],
      ["report", run, "-o", "report.html"],
    ] + (name == "cogvideox" ? [["sheet", run, "--layout", "frames", "-o", "frames.png"]] : []) {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0 || result.stderr.hasPrefix("heed: "), "\(arguments): \(result)")
    }
  }

  @Test(
    "Numbers beyond those that there can be are refused with their place",
    arguments: [
      ("cogvideox", "\"frames\": 9", "\"frames\": \(Int.max)", "frames"),
      ("cogvideox", "\"width\": 48", "\"width\": \(1 << 40)", "width"),
      ("sd35", "\"height\": 32", "\"height\": \(Int.max)", "height"),
      ("flux2", "\"columns\": 6", "\"columns\": \(Int.max)", "method.grid.columns"),
    ])
  func beyond(_ name: String, _ truth: String, _ lie: String, _ place: String) throws {
    let run = try changed(name, truth, lie)
    for arguments in [
      ["sheet", run, "--layout", "tokens", "-o", "x.png"], ["report", run], ["analyze", run],
      ["export", run, "-o", "x.npz"],
    ] {
      expectRefusal(
        try self.run(arguments), 65, ["run.json", "\(place): expected 1 to 1048576, got"])
    }
  }

  @Test("Reports and sheets that apply are made; others say why in a line", arguments: names)
  func everything(_ name: String) throws {
    let isVideo = name == "cogvideox"
    for report in [
      "neglect", "words", "statistics", "overlap", "convergence", "mass", "spectrum", "outcome",
    ] {
      let result = try run(["analyze", Self.path(name), "--report", report])
      #expect(result.status == 0, "\(report): \(result.stderr)")
    }
    expectRefusal(
      try run(["analyze", Self.path(name), "--report", "heads"]), 69, ["each head", "the mean of"])
    for layout in [
      "compare", "tokens", "steps", "layers", "seeds", "methods", "matrix", "curves",
    ] {
      let file = "\(layout).png"
      let result = try run(["sheet", Self.path(name), "--layout", layout, "-o", file])
      #expect(result.status == 0, "\(layout): \(result.stderr)")
      #expect(!folder.bytes(file).isEmpty)
    }
    for (layout, words) in [
      ("heads", ["each head", "the mean of"]), ("difference", ["no guided run"]),
      ("sweep", ["knob"]),
    ] {
      let result = try run(["sheet", Self.path(name), "--layout", layout, "-o", "x.png"])
      #expect([64, 65, 69].contains(result.status), "\(layout)")
      expectRefusal(result, result.status, words)
    }
    let frames = try run(["sheet", Self.path(name), "--layout", "frames", "-o", "frames.png"])
    #expect(frames.status == (isVideo ? 0 : 69), "\(frames.stderr)")
    let report = try run(["report", Self.path(name)])
    #expect(report.status == 0, "\(report.stderr)")
  }

  @Test("Attention on every class of keys adds up to all of it", arguments: names)
  func mass(_ name: String) throws {
    let row = try #require(rows([Self.path(name), "--report", "mass"]).first)
    let classes = ["start", "words", "end", "padding", "template", "image"]
    let shares = classes.compactMap { row[$0] as? Double }
    #expect(abs(shares.reduce(0, +) - 1) < 2e-3, "\(row)")
    #expect((row["image"] as? Double ?? 0) > 0)
  }

  @Test("Runs of two pipelines stand on one sheet, and are subtracted word by word on one grid")
  func pipelines() throws {
    let runs = [Self.path("sd35"), Self.path("flux2")]
    for layout in ["compare", "methods", "tokens", "matrix", "curves"] {
      let result = try run(["sheet"] + runs + ["--layout", layout, "-o", "\(layout).svg"])
      #expect(result.status == 0, "\(layout): \(result.stderr)")
      for title in ["Stable Diffusion 3", "Flux 2"] {
        #expect(folder.text("\(layout).svg").contains(title), "\(layout)")
      }
    }
    #expect(!folder.text("compare.svg").contains("same noise"))
    let grids = try run(["analyze"] + runs + ["--report", "difference"])
    expectRefusal(grids, 65, ["8x12 and 4x6", "resize(pixel: bilinear 4x6)"])
    let recipe = ["--recipe", "mean(layer: loss-grid) resize(pixel: bilinear 4x6)"]
    let each = try rows(runs + ["--report", "statistics"] + recipe)
    let changes = try rows(runs + ["--report", "difference"] + recipe)
    #expect(changes.map { $0["method"] as? String } == ["flux-2", "flux-2"])
    for change in changes {
      func peak(_ method: String) throws -> Double {
        let row = each.first {
          $0["method"] as? String == method && $0["word"] as? String == change["word"] as? String
        }
        return try #require(row?["peak"] as? Double)
      }
      let expected = try peak("flux-2") - peak("stable-diffusion-3")
      #expect(abs(expected - (change["peak_change"] as? Double ?? .nan)) < 1e-6)
    }
    let drawn = try run(
      ["sheet"] + runs + ["--layout", "difference", "-o", "difference.svg"] + recipe)
    #expect(drawn.status == 0, "\(drawn.stderr)")
    #expect(folder.text("difference.svg").contains("Stable Diffusion 3: attention lost"))
    let seeds = try rows(runs + ["--report", "overlap", "--over-seeds"])
    #expect(seeds.map { $0["n"] as? Int } == [1, 1])
    let exported = try run(["export"] + runs + ["-o", "out"])
    expectRefusal(exported, 65, ["different tokens of the prompt"])
  }

  @Test("A token by its index is refused where texts differ")
  func indices() throws {
    let result = try run([
      "sheet", Self.path("sd35"), Self.path("flux2"), "--layout", "methods", "--words", "@2",
      "-o", "x.png",
    ])
    expectRefusal(result, 65, ["@2", "name the word"])
  }

  @Test("An export has the numbers of the store, and names its means and sums", arguments: names)
  func export(_ name: String) throws {
    let result = try run(["export", Self.path(name), "-o", "out", "--format", "npz"])
    #expect(result.status == 0, "\(result.stderr)")
    let run = try RecordedRun(Self.path(name))
    let file = try #require(folder.names.first { $0.hasSuffix(".npz") })
    let arrays = try StoredArray.contents(of: folder.path + "/" + file).arrays
    let calls = run.noisePredictions.map(\.call)
    for site in run.sites {
      let array = try #require(arrays.first { $0.name == site.site.path })
      #expect(array.shape == [calls.count] + site.shape)
      let values = array.values(from: 0, extents: array.shape, strides: array.strides)
      let expected = try calls.flatMap { call in
        try #require(try run.maps(site.site.path, call: call)).values
      }
      #expect(values == expected)
    }
    let manifest = try JSONSerialization.jsonObject(with: Data(folder.bytes("out/manifest.json")))
    let listed = try #require((manifest as? [String: Any])?["arrays"] as? [[String: Any]])
    let axes = try #require(
      listed.first { $0["kind"] as? String == "maps" }?["axes"] as? [[String: Any]])
    let head = try #require(axes.first { $0["name"] as? String == "head" })
    #expect(head["labels"] as? [Int] == [-1])
    let token = try #require(axes.last)
    #expect(token["sums"] as? [String] == run.sites[0].summedColumns.map(\.name))
    #expect((token["labels"] as? [Int])?.suffix(2) == [-1, -2])
    #expect(axes.contains { $0["name"] as? String == "frame" } == (name == "cogvideox"))
    let readme = folder.text("out/README.md")
    #expect(readme.contains("recorded by heed_record") && readme.contains("<image>"))
    let verified = try self.run(["verify-export", "out"])
    #expect(verified.status == 0, "\(verified.stdout)")
  }

  @Test("The report tells text encoders apart, and has the frames of a video")
  func reportData() throws {
    for name in Self.names {
      let result = try run(["report", Self.path(name), "-o", "\(name).html"])
      #expect(result.status == 0, "\(result.stderr)")
      let page = folder.text("\(name).html")
      let start = try #require(page.range(of: #"id="data">"#)).upperBound
      let end = try #require(page.range(of: "</script>", range: start..<page.endIndex)).lowerBound
      let data = try #require(
        try JSONSerialization.jsonObject(with: Data(page[start..<end].utf8)) as? [String: Any])
      let run = try #require((data["runs"] as? [[String: Any]])?.first)
      #expect(run["frames"] as? Int == (name == "cogvideox" ? 3 : 1))
      let layers = try #require(run["layers"] as? [[String: Any]])
      #expect(layers.allSatisfy { ($0["heads"] as? [Int])?.isEmpty == true })
      let prompt = try #require((data["prompts"] as? [[String: Any]])?.first)
      let tokens = try #require(
        (prompt["tokens"] as? [String: [[String: Any]]])?["conditional"])
      let encoders = Set(tokens.compactMap { $0["encoder"] as? String })
      #expect(encoders == (name == "sd35" ? ["text_encoder", "text_encoder_3"] : []))
      // Numbers of a map, steps or their mean, of each frame and token.
      let recorded = try RecordedRun(Self.path(name))
      let site = recorded.sites[0]
      let count = (run["tokens"] as? [Int] ?? []).count * site.grid.pixels * (site.site.frames ?? 1)
      let means = try #require(layers[0]["meanMaps"] as? String)
      #expect(Data(base64Encoded: means)?.count == 2 * count)
    }
  }

  @Test(
    "A slider in the report shows a frame of a video",
    .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
  func slider() throws {
    let made = try run(["report", Self.path("cogvideox")])
    #expect(made.status == 0, "\(made.stderr)")
    let maps = try RecordedRun(Self.path("cogvideox"))
    let word = try #require(maps.manifest.subjects.first)
    func peak(_ recipe: String) throws -> Float {
      let recipe = try Recipe(parsing: recipe)
      return try maps.maps(of: [word], by: recipe)[0].largest
    }
    let token = word.tokens.map(String.init).joined(separator: ",")
    let address = "file://\(folder.path)/report.html#run=0&token=\(token)&step=mean&layer=mean"
    for (frame, recipe) in [
      ("mean", "mean(layer: loss-grid)"), ("0", "mean(frame: 0) mean(layer: loss-grid)"),
      ("2", "mean(frame: 2) mean(layer: loss-grid)"),
    ] {
      let outcome = try HeadlessBrowser.run([
        ["size": [1280, 900]], ["open": address + "&frame=\(frame)"], ["wait": 0.1],
        ["evaluate": "document.getElementById('first').dataset.largest"],
      ])
      #expect(outcome.problems.isEmpty, "\(outcome.problems)")
      let largest = outcome.values.first.flatMap { Float("\($0)") } ?? .nan
      #expect(abs(largest - (try peak(recipe))) < 2e-3, "frame \(frame)")
    }
  }
}
