import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import Pictures
import TestSupport
import Testing

/// Pictures that steps predict: in runs, sheets, animations and reports.
@Suite("Previews of runs")
struct PreviewCommandTests {
  private static let prompt = OutputFolderTests.prompt
  private static let root = "runs/a-cat-and-a-frog"
  private static let decoder =
    Repository.root + "/Tests/DiffusionTests/Fixtures/tiny-previews/eightfold"
  private static let arguments = [
    "generate", prompt, "--method", "stable-diffusion", "--steps", "6", "--preview", decoder,
  ]

  private func heed(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> HeedProcess.Result {
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0, "\(arguments): \(result.stderr)")
    return result
  }

  @Test("Every step's picture is kept, a run that stops resumes to the same bytes, and is checked")
  func resumed() throws {
    let model = try StableDiffusion(.bundled)
    var request = RunRequest(Self.prompt, seed: 0)
    request.steps = 6
    request.previews = try StepPreviews(Self.decoder)
    let (whole, stopped) = (try TemporaryFolder(), try TemporaryFolder())
    let run = try Runner(model).run(request, in: whole.path + "/runs")
    #expect(run.manifest.previewedSteps == Array(run.manifest.timesteps.indices))
    struct Stop: Error {}
    for stop in [0, 3] {
      #expect(throws: Stop.self) {
        try Runner(model).run(request, in: stopped.path + "/runs") { step in
          let latest = stopped.path + "/" + Self.root + "/stable-diffusion/seed-0/preview.png"
          #expect(try Picture.read(latest).width == run.manifest.width)
          if step.index == stop { throw Stop() }
        }
      }
    }
    try Runner(model).run(request, in: stopped.path + "/runs")
    let made = try RunContents(stopped.path + "/" + Self.root)
    #expect(made == (try RunContents(whole.path + "/" + Self.root)))
    let names = made.names.filter { $0.contains("preview") }
    #expect(
      names
        == run.manifest.timesteps.indices.map {
          "stable-diffusion/seed-0/previews/00\($0).png"
        })
    #expect(try heed(["check", "runs"], in: whole).stdout.contains(": 0 problems"))
    let first = Self.root + "/stable-diffusion/seed-0/previews/000.png"
    try FileManager.default.moveItem(
      atPath: whole.path + "/" + first, toPath: whole.path + "/" + first + ".old")
    let check = try HeedProcess.run(["check", "runs"], in: whole.path)
    #expect(check.status != 0)
    #expect(check.stdout.contains("previews/000.png: is missing"), "\(check.stdout)")
    #expect(check.stdout.contains("previews/000.png.old: is not the predicted picture"))
  }

  @Test("Previews change neither the picture nor the maps")
  func sameRun() throws {
    let (with, without) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try heed(Self.arguments, in: with)
    _ = try heed(Array(Self.arguments.dropLast(2)), in: without)
    let (one, other) = (
      try RunContents(with.path + "/" + Self.root), try RunContents(without.path + "/" + Self.root)
    )
    #expect(!other.names.contains { $0.contains("previews") })
    for name in other.names { #expect(one[name] == other[name], "\(name)") }
    // Another choice of previews is another run.
    let again = try HeedProcess.run(Array(Self.arguments.dropLast(2)), in: with.path)
    expectRefusal(again, 73, ["holds another run", "request.previews is {files}, not nothing"])
  }

  @Test("What a run is said to take includes its previews")
  func cost() throws {
    let model = try StableDiffusion(.bundled)
    var request = RunRequest(Self.prompt, seed: 0)
    request.steps = 6
    let without = try #require(try model.plan(request).cost)
    request.previews = try StepPreviews(Self.decoder)
    let with = try #require(try model.plan(request).cost)
    #expect(with.files - without.files == 7)
    let folder = try TemporaryFolder()
    let run = try Runner(model).run(request, in: folder.path)
    let bytes = try (0..<6).reduce(0) { sum, step in
      let path = run.folder.path + "/previews/00\(step).png"
      return sum
        + (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? .max / 8)
    }
    #expect(with.bytesOnDisk - without.bytesOnDisk >= bytes)
  }

  @Test("A sheet shows chosen steps, of the model's own decoder too, and refuses what was not kept")
  func sheet() throws {
    let folder = try TemporaryFolder()
    let compare = ["compare", Self.prompt, "--seeds", "0", "--steps", "5"]
    _ = try heed(compare + ["--steps-pictures", "0,2,4", "-o", "own"], in: folder)
    let names = try RunContents(folder.path + "/own/a-cat-and-a-frog").names.filter {
      $0.contains("previews/")
    }
    #expect(
      names
        == ["attend-and-excite", "stable-diffusion"].flatMap { method in
          [0, 2, 4].map { "\(method)/seed-0/previews/00\($0).png" }
        })
    _ = try heed(
      ["sheet", "own", "--steps-pictures", "auto", "-o", "own.json", "-o", "own.svg"], in: folder)
    for step in [0, 2, 4] { #expect(folder.text("own.svg").contains(">step \(step)</text>")) }
    #expect(folder.text("own.svg").contains("the clean latent that the step predicts"))
    let missing = try HeedProcess.run(
      ["sheet", "own", "--steps-pictures", "0,1", "-o", "no.pdf"], in: folder.path)
    expectRefusal(missing, 65, ["no predicted picture of step 1, but of 0, 2, 4", "--preview"])
    _ = try heed(compare, in: folder)
    let none = try HeedProcess.run(
      ["sheet", "runs", "--steps-pictures", "auto", "-o", "no.pdf"], in: folder.path)
    expectRefusal(none, 65, ["kept no predicted pictures", "heed compare --steps-pictures"])
    for (options, words) in [
      ([], ["a step with a predicted picture is 9", "0…4"]),
      (["--preview", Self.decoder], ["--steps-pictures is '9'", "0..4"]),
    ] as [([String], [String])] {
      let beyond = try HeedProcess.run(
        compare + ["--steps-pictures", "9", "-o", "beyond"] + options, in: folder.path)
      expectRefusal(beyond, 64, words)
    }
    let layout = try heed(
      ["sheet", "--print-layout", "--steps-pictures", "0,2"], in: folder)
    #expect(layout.stdout.contains("steps-pictures: [0, 2]"))
    try folder.write("layout.yaml", layout.stdout.utf8)
    _ = try heed(["sheet", "own", "--layout", "layout.yaml", "-o", "again.svg"], in: folder)
    #expect(folder.text("again.svg").contains(">step 2</text>"))
  }

  @Test("Animations lie over the pictures of their steps, and a report has a strip of them")
  func shown() throws {
    let folder = try TemporaryFolder()
    _ = try heed(Self.arguments, in: folder)
    _ = try heed(
      ["sheet", "runs", "--layout", "tokens", "-o", "moving.gif", "-o", "still.svg"], in: folder)
    #expect(folder.bytes("moving.gif").starts(with: Array("GIF89a".utf8)))
    _ = try heed(["report", "runs"], in: folder)
    let page = folder.text("report.html")
    for step in [0, 2, 3, 5] { #expect(page.contains(">step \(step)</span>")) }
    #expect(page.contains("Pictures with a step are what that step predicts"))
  }

  @Test("A counterfactual of a run with previews needs no decoder, and keeps none")
  func counterfactual() throws {
    let folder = try TemporaryFolder()
    let run = try heed(Self.arguments, in: folder).stdout.trimmingCharacters(in: .newlines)
    _ = try heed(["causal", run, "--drop", "cat", "-o", "without"], in: folder)
    let names = try RunContents(folder.path + "/without").names
    #expect(names.contains { $0.hasSuffix("image.png") })
    #expect(!names.contains { $0.contains("preview") })
  }
}
