import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import PromptText
import TestSupport
import Testing

/// What tables, sheets, pages and exports say of runs of several pipelines, and of scores that no run measured.
@Suite("Runs of several pipelines beside each other")
struct SeveralPipelinesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func path(_ name: String) -> String { "\(Repository.fixtures)/recorded/\(name)" }

  private static let both = [path("sd35"), path("flux2")]

  private func run(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  /// The rows of a table, each with its recipe.
  private func rows(_ arguments: [String]) throws -> [[String: Any]] {
    let result = try run(["analyze"] + arguments + ["--json"])
    #expect(result.status == 0, "\(result.stderr)")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any])
    let common = ["recipe": try #require(document["recipe"])]
    return try #require(document["rows"] as? [[String: Any]]).map {
      $0.merging(common) { own, _ in own }
    }
  }

  /// A copy of a fixture, with members of objects of its manifest set.
  private func copy(
    _ name: String, as place: String, seed: Int = 1, _ members: [String: [String: Any]] = [:]
  ) throws -> String {
    let path = folder.path + "/" + place
    try FileManager.default.copyItem(atPath: Self.path(name), toPath: path)
    func edit(_ file: String, _ change: (inout [String: Any]) throws -> Void) throws {
      let file = URL(fileURLWithPath: path + "/" + file)
      var object = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
      try change(&object)
      try JSONSerialization.data(withJSONObject: object).write(to: file)
    }
    try edit("run.json") { manifest in
      for (name, values) in members.merging(["request": ["seed": seed]], uniquingKeysWith: { $1 }) {
        let old = try #require(manifest[name] as? [String: Any])
        manifest[name] = old.merging(values) { $1 }
      }
    }
    try edit("attention.zarr/zarr.json") { group in
      var attributes = try #require(group["attributes"] as? [String: Any])
      attributes["seed"] = seed
      group["attributes"] = attributes
    }
    return path
  }

  // MARK: - Tables

  @Test(
    "A token by its index is refused in a table of texts that have another one there",
    arguments: [
      ["statistics"], ["overlap"], ["convergence"], ["spectrum"], ["words"],
      ["binding", "--bind", "@2=@3"], ["segmentation", "--masks", "@2=mask.png"],
    ])
  func indices(_ report: [String]) throws {
    let image = try #require(
      try FileManager.default.contentsOfDirectory(atPath: Self.path("sd35"))
        .first { $0.hasSuffix(".png") })
    try FileManager.default.copyItem(
      atPath: Self.path("sd35") + "/" + image, toPath: folder.path + "/mask.png")
    let tokens = report.count > 1 ? [] : ["--tokens", "@2,@3"]
    let result = try run(["analyze"] + Self.both + ["--report"] + report + tokens)
    expectRefusal(result, 65, ["@2", "name the word"])
    let alone = try run(["analyze", Self.path("sd35"), "--report"] + report + tokens)
    #expect(alone.status == 0, "\(alone.stderr)")
  }

  @Test("Runs of one method by two checkpoints are not put together as seeds, nor one seed twice")
  func apart() throws {
    func model(_ revision: String) -> [String: [String: Any]] {
      ["model": ["repository": "a/model", "revision": revision]]
    }
    let first = try copy("flux2", as: "first", model("1"))
    let second = try copy("flux2", as: "second", seed: 2, model("1"))
    let other = try copy("flux2", as: "other", seed: 2, model("2"))
    let again = try copy("flux2", as: "again", model("1"))
    for report in ["statistics", "overlap", "mass", "outcome"] {
      let pooled = try rows([first, second, "--report", report, "--over-seeds"])
      #expect(pooled.allSatisfy { $0["n"] as? Int == 2 } && !pooled.isEmpty)
      for runs in [[first, other], [first, again]] {
        expectRefusal(
          try run(["analyze"] + runs + ["--report", report, "--over-seeds"]), 65,
          [runs[1] == other ? "checkpoints differ" : "both are seed 1 of flux-2"])
      }
    }
  }

  @Test("A difference names the recipes of both sides where they differ")
  func difference() throws {
    let recipe = ["--recipe", "mean(layer: loss-grid) resize(pixel: bilinear 4x6)"]
    let each = try rows(Self.both + ["--report", "statistics"] + recipe)
    func own(_ method: String) throws -> String {
      try #require(each.first { $0["method"] as? String == method }?["recipe"] as? String)
    }
    let expected = try "\(own("flux-2")) − \(own("stable-diffusion-3"))"
    let changes = try rows(Self.both + ["--report", "difference"] + recipe)
    #expect(!changes.isEmpty && changes.allSatisfy { $0["recipe"] as? String == expected })
    expectRefusal(
      try run(["analyze", Self.path("sd35"), "--report", "difference"]), 64, ["by two methods"])
  }

  // MARK: - Scores that no run measured

  /// The recipe by which the scores of a run are made of its maps.
  private func made(_ path: String) throws -> String {
    try #require(try ExcitationScores(RecordedRun(path)).recipe).description
  }

  @Test("Wherever scores are shown that no run measured, their recipe is")
  func recipes() throws {
    let path = Self.path("sd35")
    let recipe = try made(path)
    #expect(recipe.hasPrefix("mean(head) normalize(token) mean(layer: 8x12) softmax(token: 100"))
    let outcome = try #require(rows([path, "--report", "outcome"]).first?["recipe"] as? String)
    #expect(outcome.hasSuffix("excitation scores of the maps by " + recipe))
    let runs = [try RecordedRun(path)]
    let curves = try CurvesSheet(runs: runs, measures: [.score], software: "test").scene()
    #expect(curves.caption.contains(recipe) && curves.warnings.isEmpty)
    for sheet in [
      try CompareSheet(runs: runs, curves: .full, software: "test").notes,
      try NeglectSheet(
        runs: runs, criteria: NeglectCriteria(neglectedBelow: 1.1, highFrom: 1.2), software: "test"
      ).notes,
    ] {
      #expect(sheet.contains { $0.contains("made of its maps by " + recipe) }, "\(sheet)")
    }
    let page = try run(["report", path])
    #expect(page.status == 0 && folder.text("report.html").contains(recipe))
    let exported = try run(["export", path, "-o", "out"])
    #expect(exported.status == 0, "\(exported.stderr)")
    #expect(folder.text("out/README.md").contains("no call was measured"))
    #expect(folder.text("out/tables/schema.json").contains("; none was"))
  }

  // MARK: - Sheets and pages

  @Test("A sheet of cases says of each pipeline what its maps measure")
  func neglect() throws {
    let sheet = try NeglectSheet(
      runs: Self.both.map { try RecordedRun($0) },
      criteria: NeglectCriteria(neglectedBelow: 1.1, highFrom: 1.2), software: "test")
    #expect(sheet.cases.count == 2)
    for words in ["Stable Diffusion 3: ", "8×12", "Flux 2: ", "4×6"] {
      #expect(sheet.quantity.contains(words), "\(sheet.quantity)")
    }
  }

  @Test("A page of one prompt by several pipelines is of one prompt")
  func page() throws {
    let result = try run(["report"] + Self.both)
    #expect(result.status == 0 && result.stdout.hasPrefix("report.html: 2 runs, "))
    let page = folder.text("report.html")
    #expect(page.contains("<title>a cat and a frog – Heed</title>"))
    #expect(page.contains("<h1><bdi>a cat and a frog</bdi></h1>"))
    for words in [">Prompts<", "2 prompts", "of plain Stable Diffusion"] {
      #expect(!page.contains(words), "\(words)")
    }
    #expect(page.contains("href=\"#prompt-2\""))
  }

  // MARK: - Exports

  @Test("An export says of any pipeline what is true of it", arguments: ["sd35", "cogvideox"])
  func export(_ name: String) throws {
    let made = try run(["export", Self.path(name), "-o", "out", "--format", "zarr,safetensors"])
    #expect(made.status == 0, "\(made.stderr)")
    for file in [
      "README.md", "manifest.schema.json", "tables/schema.json", "arrays/arrays.zarr/zarr.json",
    ] {
      let text = folder.text("out/" + file)
      for words in ["UNet", "text-to-image", "Over all tokens"] {
        #expect(!text.contains(words), "\(file): \(words)")
      }
    }
    #expect(folder.text("out/README.md").contains("both in joint attention"))
    let free = try copy(name, as: "free", ["method": ["rowsSumToOne": false]])
    let kept = try run(["export", free, "-o", "kept", "--format", "zarr"])
    #expect(kept.status == 0, "\(kept.stderr)")
    for file in ["README.md", "arrays/arrays.zarr/zarr.json"] {
      let text = folder.text("kept/" + file)
      #expect(text.contains("need not sum to 1: the maps are kept as they were given"), "\(file)")
      #expect(!text.contains("each row sums to 1"))
    }
  }
}
