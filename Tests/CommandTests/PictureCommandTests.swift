import Foundation
import TestSupport
import Testing

/// Pictures as the input of `generate`, `compare` and `explain`.
@Suite("heed explain and --init")
struct PictureCommandTests {
  private static let pictures = Repository.root + "/Tests/DiffusionTests/Fixtures/images"
  private static let photo = pictures + "/photo.png"
  private static let prompt = "a cat and a frog"
  private static let run = "runs/a-cat-and-a-frog/explain/seed-0"

  private func manifest(_ path: String, in folder: TemporaryFolder) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(folder.bytes(path + "/run.json")))
    return try #require(object as? [String: Any])
  }

  @Test("An explanation leaves a run for each seed, a sheet and a table of each time")
  func explain() throws {
    let folder = try TemporaryFolder()
    let arguments = ["explain", Self.photo, Self.prompt, "--at", "0.2,0.8", "--seeds", "0,3"]
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    expectPlain(result.stderr)
    #expect(result.stderr.contains("120x90 pixels, squashed to 128x128; --fit crop"))
    #expect(result.stderr.contains("subjects: cat, frog"))
    let rows = result.stdout.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.first == ["seed", "timestep", "subject", "score", "loss"])
    #expect(
      rows.dropFirst().map { $0.prefix(3).joined(separator: " ") } == [
        "0 799 cat", "0 799 frog", "0 200 cat", "0 200 frog",
        "3 799 cat", "3 799 frog", "3 200 cat", "3 200 frog",
      ])
    let manifest = try manifest(Self.run, in: folder)
    #expect(manifest["timesteps"] as? [Double] == [799, 200])
    #expect(manifest["status"] as? String == "complete")
    let picture = try #require(manifest["picture"] as? [String: Any])
    #expect((picture["sha256"] as? String)?.count == 64)
    for name in ["image.png", "latent.npy", "losses.csv", "attention.zarr/zarr.json"] {
      #expect(!folder.bytes(Self.run + "/" + name).isEmpty, "\(name)")
    }
    try sheetAgain(folder)
  }

  /// The sheet that the command drew is drawn again by `heed sheet`, to the byte.
  private func sheetAgain(_ folder: TemporaryFolder) throws {
    let drawn = folder.bytes("runs/a-cat-and-a-frog/explain/sheet.pdf")
    #expect(drawn.starts(with: Array("%PDF-1.".utf8)))
    let again = try HeedProcess.run(["sheet", "runs", "-o", "again.pdf"], in: folder.path)
    #expect(again.status == 0, "\(again.stderr)")
    #expect(folder.bytes("again.pdf") == drawn)
    let one = try HeedProcess.run(
      [
        "sheet", Self.run, "-o", "one.png", "--recipe", "mean(layer: 16x16) mean(step: 1..1)",
      ], in: folder.path)
    #expect(one.status == 0, "\(one.stderr)")
    let none = try HeedProcess.run(
      ["sheet", Self.run, "--recipe", "mean(layer: 16x16) mean(step: 2..9)"], in: folder.path)
    expectRefusal(none, 69, ["steps 0..1"])
  }

  @Test("Words of any prompt are shown; both branches and training times may be chosen")
  func anyPrompt() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "explain", Self.photo, "a cat on a bench", "--timesteps", "261,501", "--json", "--fit",
        "crop", "--branches", "conditional,unconditional", "--layers", "*",
      ], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("subjects: cat, bench"))
    #expect(result.stderr.contains("--fit squash keeps the whole picture"))
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["timestep"] as? Double } == [501, 501, 261, 261])
    let calls = folder.text("runs/a-cat-on-a-bench/explain/seed-0/calls.jsonl")
    #expect(calls.split(separator: "\n").count == 4)
  }

  @Test("The picture of an explanation is the photo at the model's size")
  func picture() throws {
    let folder = try TemporaryFolder()
    let arguments = ["explain", Self.photo, Self.prompt, "-o", "first"]
    #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
    // What is already as large as the model wants comes out as it went in.
    let fed = folder.path + "/first/a-cat-and-a-frog/explain/seed-0/image.png"
    let again = try HeedProcess.run(["explain", fed, Self.prompt, "-o", "second"], in: folder.path)
    #expect(again.status == 0)
    #expect(!again.stderr.contains("warning"), "\(again.stderr)")
    // The same picture, and no other, has the same latent.
    let second = folder.bytes("second/a-cat-and-a-frog/explain/seed-0/latent.npy")
    let first = folder.bytes("first/a-cat-and-a-frog/explain/seed-0/latent.npy")
    #expect(!first.isEmpty)
    let isSame = first == second
    #expect(isSame)
  }

  @Test("A photo is explained in a shape of its own, under any generator's noise, side by side")
  func size() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "explain", Self.photo, Self.prompt, "--size", "192x144", "--rng", "torch-cuda", "--seeds",
        "0..1", "--batch", "2",
      ], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    // 120 × 90 and 192 × 144 are the same shape: nothing to warn of.
    #expect(!result.stderr.contains("warning"), "\(result.stderr)")
    let manifest = try manifest(Self.run, in: folder)
    #expect((manifest["request"] as? [String: Any])?["rng"] as? String == "torch-cuda")
    #expect(manifest["width"] as? Int == 192)
    let grid = try #require((manifest["method"] as? [String: Any])?["grid"] as? [String: Int])
    #expect(grid == ["rows": 18, "columns": 24])
    #expect(!folder.bytes("runs/a-cat-and-a-frog/explain/sheet.pdf").isEmpty)
  }

  @Test("A dry run says what recording takes, and makes nothing")
  func dryRun() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["explain", Self.photo, Self.prompt, "--at", "0.1,0.5", "--dry-run"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stdout.contains("at most 2, of which recorded 2"))
    #expect(folder.names.isEmpty)
  }

  @Test("A run from a picture makes a share of the steps, and only that picture continues it")
  func generate() throws {
    let folder = try TemporaryFolder()
    let arguments = [
      "generate", Self.prompt, "--method", "stable-diffusion", "--steps", "6", "--scheduler",
      "ddim",
    ]
    let result = try HeedProcess.run(
      arguments + ["--init", Self.photo, "--strength", "0.5"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let path = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"
    let manifest = try manifest(path, in: folder)
    #expect((manifest["timesteps"] as? [Double])?.count == 3)
    #expect((manifest["picture"] as? [String: Any])?["strength"] as? Double == 0.5)
    let image = folder.bytes(path + "/image.png")
    #expect(!image.isEmpty)
    for (other, word) in [
      (["--init", Self.pictures + "/444.jpg", "--strength", "0.5"], "picture"),
      (["--init", Self.photo, "--strength", "0.5", "--fit", "crop"], "picture.fit"),
      (["--init", Self.photo, "--strength", "0.9"], "picture.strength"), ([], "picture"),
    ] {
      let refused = try HeedProcess.run(arguments + other, in: folder.path)
      #expect(refused.status == 73, "\(refused.stderr)")
      #expect(refused.messages.last?.contains("holds another run: its \(word)") == true)
    }
    let isUntouched = folder.bytes(path + "/image.png") == image
    #expect(isUntouched)
  }

  @Test("Both methods of a comparison begin from the picture")
  func compare() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["compare", Self.prompt, "--steps", "4", "--seeds", "1", "--init", Self.photo],
      in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("sheet.pdf"))
    for method in ["stable-diffusion", "attend-and-excite"] {
      let manifest = try manifest("runs/a-cat-and-a-frog/\(method)/seed-1", in: folder)
      #expect((manifest["picture"] as? [String: Any])?["strength"] as? Double == 0.8)
    }
  }

  /// Arguments that are refused, the exit code, and words of the message.
  static let refusals: [([String], Int32, [String])] = [
    (["explain", "no.png", prompt], 66, ["no.png"]),
    (["explain", ".", prompt], 66, ["a folder"]),
    (["explain", "empty.png", prompt], 65, ["empty.png", "empty"]),
    (["explain", "text.png", prompt], 65, ["text.png", "not a PNG, JPEG, WebP or GIF"]),
    (["explain", "cut.png", prompt], 65, ["cut.png", "not a PNG picture"]),
    (["explain", "cut.jpg", prompt], 65, ["cut.jpg", "not a JPEG picture"]),
    (["explain", photo, " "], 65, ["the prompt is empty"]),
    (["explain", photo, "on a"], 64, ["which words"]),
    (["explain", photo, prompt, "--at", "1.5"], 64, ["--at", "1.5"]),
    (["explain", photo, prompt, "--at", "-0.1"], 64, ["--at", "-0.1"]),
    (["explain", photo, prompt, "--at", "nan"], 64, ["--at", "nan"]),
    (["explain", photo, prompt, "--at", "0.5,0.5"], 64, ["timesteps", "once"]),
    (["explain", photo, prompt, "--at", ""], 64, ["--at"]),
    (["explain", photo, prompt, "--timesteps", "1000"], 64, ["timesteps", "0…999"]),
    (["explain", photo, prompt, "--timesteps", "x"], 64, ["--timesteps", "'x'"]),
    (["explain", photo, prompt, "--at", "0.5", "--timesteps", "5"], 64, ["--at", "--timesteps"]),
    (["explain", photo, prompt, "--size", "100x128"], 64, ["100x128"]),
    (["explain", photo, prompt, "--fit", "pad"], 64, ["--fit"]),
    (["generate", prompt, "--init", "no.png"], 66, ["no.png"]),
    (["generate", prompt, "--init", "text.png"], 65, ["text.png"]),
    (["generate", prompt, "--init", photo, "--strength", "1.5"], 64, ["--strength", "1.5"]),
    (["generate", prompt, "--init", photo, "--strength", "nan"], 64, ["--strength"]),
    (["generate", prompt, "--init", photo, "--strength", "0"], 64, ["strength", "0.02 or more"]),
    (["generate", prompt, "--strength", "0.5"], 64, ["--strength", "--init"]),
    (["compare", prompt, "--fit", "crop"], 64, ["--fit", "--init"]),
  ]

  @Test("What cannot be is refused, and nothing is left behind", arguments: refusals.indices)
  func refusal(_ index: Int) throws {
    let (arguments, code, words) = Self.refusals[index]
    let folder = try TemporaryFolder()
    let png = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.photo)))
    let jpeg = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.pictures + "/420.jpg")))
    try folder.write("empty.png", [])
    try folder.write("text.png", "a picture".utf8)
    try folder.write("cut.png", png.dropLast(900))
    try folder.write("cut.jpg", jpeg.dropLast(200))
    let before = folder.names
    let result = try HeedProcess.run(arguments, in: folder.path)
    expectRefusal(result, code, words, showsTokens: words.contains("which words"))
    #expect(folder.names == before)
  }

  @Test("Transparency that is dropped is not dropped in silence")
  func transparency() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["explain", Self.pictures + "/rgba-8.png", Self.prompt], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stderr.contains("transparency is ignored"))
  }
}
