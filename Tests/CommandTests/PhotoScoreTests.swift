import Evaluation
import Foundation
import Pictures
import TestSupport
import Testing

/// `heed benchmark score --photos`: real pictures as an upper bound.
///
/// The pictures are those of `score_pictures.py` in `EvaluationTests`, which has their scores from PyTorch and
/// transformers.
@Suite("Photos as an upper bound")
struct PhotoScoreTests {
  private struct Task: Decodable {
    let id, prompt, picture: String
  }

  private struct Expected: Decodable {
    let id: String
    let clip, owl: [String: Double]
  }

  private static let scores = Repository.root + "/Tests/EvaluationTests/Fixtures/scores/"

  private static func lines<Line: Decodable>(_ text: String) throws -> [Line] {
    try text.split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  private static func fixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: scores + name)))
  }

  private static func tasks() throws -> [Task] {
    try lines(String(decoding: fixture("tasks.jsonl"), as: UTF8.self))
  }

  /// A benchmark of the script's prompts that has no runs yet.
  private func folder(suite: [UInt8]? = nil) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let tasks = try String(decoding: suite ?? Self.fixture("tasks.jsonl"), as: UTF8.self)
    // Of what the script reads, a suite has all but the picture.
    let lines = tasks.split(separator: "\n").map {
      $0.replacing(#/, "picture": "[^"]*"/#, with: "") + "\n"
    }
    try folder.write("bench/suite.jsonl", lines.joined().utf8)
    try folder.write(
      "bench/benchmark.json",
      #"{"format":1,"methods":["one","two"],"model":"m","seeds":[0,1],"suite":"s","titles":["One","Two"]}"#
        .utf8)
    return folder
  }

  private func score(
    _ folder: TemporaryFolder, _ arguments: String..., photos: String = "photos"
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(
      ["benchmark", "score", "bench", "--partial", "--photos", photos] + arguments,
      in: folder.path)
  }

  private func table(_ folder: TemporaryFolder) throws -> [[Substring]] {
    let result = try HeedProcess.run(
      ["benchmark", "table", "bench", "--format", "csv"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return result.stdout.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
  }

  @Test("Photos score as PyTorch scores them, and have a row of their own, with an interval")
  func goldens() throws {
    let folder = try folder()
    let tasks = try Self.tasks()
    for task in tasks {
      // A folder may be called by the prompt, too, and a file in any way.
      let name = task.id == "crown" ? task.prompt : task.id
      let file = task.id == "odd" ? "IMG 1.PNG" : task.picture
      try folder.write("photos/\(name)/\(file)", Self.fixture(task.picture))
    }
    try folder.write("photos/.DS_Store", [0])
    let result = try score(folder, "--scorers", "clip,owl")
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("clip: 0 pictures and 9 photos by Menagerie's clip"))
    let expected: [Expected] = try Self.lines(
      String(decoding: Self.fixture("embedded.jsonl"), as: UTF8.self))
    for scorer in ["clip", "owl"] {
      let scores: [PictureScore] = try Self.lines(
        folder.text("bench/scores/\(scorer).photos.jsonl"))
      #expect(scores.map(\.id) == tasks.map(\.id))
      for (score, expected) in zip(scores, expected) {
        #expect(score.method == "photos" && score.scorer == scorer)
        let numbers =
          scorer == "owl" ? expected.owl : expected.clip.filter { !$0.key.hasPrefix("clean-") }
        for (name, number) in numbers {
          let own = try #require(score.values[name])
          #expect(abs(own - number) <= 1e-4, "\(score.id) \(name)")
        }
      }
      #expect(scores[4].photo == "a turtle with a crown/turtle-chair.png")
      #expect(scores[7].photo == "odd/IMG 1.PNG")
    }
    let table = try table(folder)
    #expect(table.count == 2 && table[1].prefix(4) == ["all", "photos", "9", "9"])
    let mean = expected.compactMap { $0.clip["full"] }.reduce(0, +) / 9
    let row = Dictionary(zip(table[0], table[1])) { $1 }
    #expect(abs(try #require(Double(row["clip_full"] ?? "")) - mean) <= 1e-4)
    #expect(try #require(Double(row["clip_full_low"] ?? "")) < mean)
    #expect(row["clip_full_difference"] == "")
    #expect(result.stdout.contains("photos (upper bound)  9 "))
  }

  @Test(
    "Attributes and relations that the detector is not asked are counted, and leave all right open")
  func unasked() throws {
    let suite = """
      {"id": "a", "prompt": "a golden clock and a grey bench", "subjects": ["clock", "bench"], \
      "attributes": {"clock": "golden", "bench": "grey"}, "relations": [["clock", "behind", "bench"]]}
      {"id": "b", "prompt": "a cat and a grey bench", "subjects": ["cat", "bench"], \
      "attributes": {"bench": "grey"}, "relations": [["cat", "on top of", "bench"]]}

      """
    let folder = try folder(suite: Array(suite.utf8))
    for id in ["a", "b"] { try folder.write("photos/\(id)/a.png", Self.fixture("cat.png")) }
    let result = try score(folder, "--scorers", "owl")
    #expect(result.status == 0, "\(result.stderr)")
    for kind in [
      "attributes of the suite that cannot be asked: 1, as \"golden\"", "1, as \"behind\"",
    ] {
      #expect(result.stderr.contains(kind), "\(result.stderr)")
    }
    let scores: [PictureScore] = try Self.lines(folder.text("bench/scores/owl.photos.jsonl"))
    #expect(scores.map { $0.values["right"] } == [nil, 0])
    #expect(scores.map { $0.values["relations"] } == [nil, 0])
    let again = try score(folder, "--scorers", "clip")
    #expect(!again.stderr.contains("cannot be asked"))
  }

  @Test("Photos that have a score are not scored again, and new ones are")
  func resumed() throws {
    let folder = try folder()
    try folder.write("photos/one/a.png", Self.fixture("cat.png"))
    try folder.write("photos/lost/b.png", Self.fixture("cat.png"))
    #expect(try score(folder, "--scorers", "clip").status == 0)
    let before = folder.text("bench/scores/clip.photos.jsonl")
    #expect(before.split(separator: "\n").count == 2)
    // Another name is no other photo; a new one comes behind those that were scored.
    try folder.remove("photos/one")
    try folder.write("photos/one/z.png", Self.fixture("cat.png"))
    try folder.write("photos/one/c.png", Self.fixture("odd.png"))
    // A line that was cut off is written again.
    try folder.write("bench/scores/clip.photos.jsonl", before.utf8.dropLast(9))
    let result = try score(folder, "--scorers", "clip")
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("photos are of 2 of 9 prompts"))
    let after = folder.text("bench/scores/clip.photos.jsonl").split(separator: "\n")
    #expect(after.first == before.split(separator: "\n").first)
    #expect(
      try Self.lines(after.joined(separator: "\n")).map { (score: PictureScore) in
        score.photo
      } == ["one/a.png", "one/c.png", "lost/b.png"])
    #expect(try table(folder)[1].prefix(4) == ["all", "photos", "3", "2"])
  }

  @Test("Shards score each photo once, into files of their own")
  func shards() throws {
    let folder = try folder()
    for task in try Self.tasks() {
      try folder.write("photos/\(task.id)/x.png", Self.fixture(task.picture))
    }
    for index in 0..<2 {
      let result = try score(folder, "--scorers", "clip", "--shard", "\(index)/2")
      #expect(result.status == 0 && result.stdout.isEmpty, "\(result.stderr)")
    }
    let parts: [[PictureScore]] = try (0..<2).map {
      try Self.lines(folder.text("bench/scores/clip.photos.\($0)-of-2.jsonl"))
    }
    #expect(parts.allSatisfy { $0.count >= 4 })
    #expect(try Set(parts.joined().map(\.id)) == Set(Self.tasks().map(\.id)))
    #expect(try table(folder)[1].prefix(4) == ["all", "photos", "9", "9"])
    // So they do where no method is compared.
    try folder.write(
      "bench/benchmark.json",
      #"{"format":1,"methods":[],"model":"m","seeds":[],"suite":"s","titles":[]}"#.utf8)
    #expect(try table(folder)[1].prefix(4) == ["all", "photos", "9", "9"])
  }

  @Test("The rows of methods are the same with photos and without, and exports go on without them")
  func besideRuns() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "s.jsonl",
      #"{"id": "p", "prompt": "a cat and a frog", "subset": "a", "subjects": ["cat", "frog"]}"#.utf8
    )
    let run = try HeedProcess.run(
      ["benchmark", "run", "--suite", "s.jsonl", "--seeds", "0..1", "--steps", "2", "-o", "bench"],
      in: folder.path)
    #expect(run.status == 0, "\(run.stderr)")
    let score = ["benchmark", "score", "bench", "--scorers", "clip"]
    #expect(try HeedProcess.run(score, in: folder.path).status == 0)
    let without = try table(folder)
    let forms = ["420.jpg", "progressive.jpg", "palette-transparent.png", "grey.jpg"]
    for name in forms {
      let path = Repository.root + "/Tests/DiffusionTests/Fixtures/images/" + name
      try folder.write("photos/p/\(name)", try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    let result = try HeedProcess.run(score + ["--photos", "photos"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(!result.stderr.contains("prompts"))
    let with = try table(folder)
    #expect(with.filter { $0[1] != "photos" } == without)
    #expect(
      with.filter { $0[1] == "photos" }.map { $0.prefix(4) }
        == [["a", "photos", "4", "1"], ["all", "photos", "4", "1"]])
    let export = try HeedProcess.run(
      ["benchmark", "export", "bench", "--layout", "syngen", "-o", "out"], in: folder.path)
    #expect(export.status == 0, "\(export.stderr)")
    #expect(export.stdout.contains("pictures: 4,"))
  }

  /// What is wrong, and what the one line says of it.
  private static let flaws: [(name: String, words: [String])] = [
    ("no such folder", ["photos: there is no such folder"]),
    ("nothing in it", ["photos: expected a folder of photos for a prompt"]),
    ("a file beside", ["photos/cat.png: expected a prompt's id or text as the name"]),
    ("an unknown prompt", ["photos/los: expected a prompt's id or text", "did you mean lost?"]),
    ("no photo", ["photos/lost: expected photos of \"a cat and a frog\", got none"]),
    ("a text", ["photos/lost/notes.txt: expected photos alone (png, jpg, jpeg, webp, gif)"]),
    ("a folder within", ["photos/lost/more.png: expected a file, got a folder"]),
    ("cut off", ["photos/lost/cat.png: not a PNG picture that can be read"]),
    ("no picture", ["photos/lost/cat.jpg: not a PNG, JPEG, WebP or GIF picture"]),
    ("empty", ["photos/lost/cat.png: "]),
    ("twice", ["photos/lost/z.png: is the same photo as \"cat.png\""]),
    ("two folders", ["photos/lost: its prompt has photos in \"a cat and a frog\" too"]),
    ("changed", ["clip scored the photo \"lost/cat.png\"", "remove clip.photos*.jsonl"]),
    ("too narrow", ["photos/lost/thin.png: a picture of 2x200 pixels"]),
  ]

  @Test("What is wrong with photos is said in one line", arguments: PhotoScoreTests.flaws.indices)
  func refused(_ index: Int) throws {
    let (name, words) = Self.flaws[index]
    let folder = try folder()
    let cat = try Self.fixture("cat.png")
    if name != "no such folder", name != "nothing in it" {
      try folder.write("photos/lost/cat.png", cat)
    }
    switch name {
    case "nothing in it": try folder.write("photos/.hidden", [0])
    case "a file beside": try folder.write("photos/cat.png", cat)
    case "an unknown prompt": try folder.write("photos/los/cat.png", cat)
    case "no photo":
      try folder.remove("photos/lost/cat.png")
      try folder.write("photos/lost/.hidden", [0])
    case "a text": try folder.write("photos/lost/notes.txt", [0])
    case "a folder within": try folder.write("photos/lost/more.png/cat.png", cat)
    case "cut off": try folder.write("photos/lost/cat.png", cat.prefix(cat.count / 2))
    case "no picture": try folder.write("photos/lost/cat.jpg", "cat".utf8)
    case "empty": try folder.write("photos/lost/cat.png", [])
    case "twice": try folder.write("photos/lost/z.png", cat)
    case "two folders": try folder.write("photos/a cat and a frog/odd.png", Self.fixture("odd.png"))
    case "changed":
      #expect(try score(folder, "--scorers", "clip").status == 0)
      try folder.write("photos/lost/cat.png", Self.fixture("odd.png"))
    case "too narrow":
      let thin = Picture(width: 2, height: 200, pixels: [UInt8](repeating: 9, count: 1200))
      try thin.write(to: folder.path + "/photos/lost/thin.png")
    default: break
    }
    let result = try score(folder, "--scorers", "clip")
    expectRefusal(result, ["no such folder", "a folder within"].contains(name) ? 66 : 65, words)
    #expect(name == "changed" || folder.text("bench/scores/clip.photos.jsonl").isEmpty)
  }

  @Test("A text that several prompts have names no folder, and no method is called photos")
  func ambiguous() throws {
    let suite =
      #"{"id": "p", "prompt": "a cat"}"# + "\n" + #"{"id": "q", "prompt": "a cat"}"# + "\n"
    let folder = try folder(suite: Array(suite.utf8))
    try folder.write("photos/a cat/x.png", Self.fixture("cat.png"))
    expectRefusal(
      try score(folder, "--scorers", "clip"), 65,
      ["photos/a cat: expected a prompt's id or text", "2 prompts have this text", "as p"])
    try folder.write(
      "bench/benchmark.json",
      #"{"format":1,"methods":["photos"],"model":"m","seeds":[0],"suite":"s","titles":["Photos"]}"#
        .utf8)
    try folder.remove("photos/a cat")
    try folder.write("photos/p/x.png", Self.fixture("cat.png"))
    expectRefusal(
      try score(folder, "--scorers", "clip"), 65,
      ["benchmark.json", "expected methods, got photos"])
  }
}
