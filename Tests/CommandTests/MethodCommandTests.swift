import Foundation
import PromptText
import TestSupport
import Testing

/// Methods by their names, in `generate` and `compare`, and runs made again by `causal`.
@Suite("Methods by name")
struct MethodCommandTests {
  private static let prompt = "a cat and a frog"
  private static let few = ["--steps", "4", "--thresholds", "none"]

  private func manifest(_ path: String, in folder: TemporaryFolder) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(folder.bytes(path + "/run.json")))
    return try #require(object as? [String: Any])
  }

  private func method(_ path: String, in folder: TemporaryFolder) throws -> [String: Any] {
    let request = try manifest(path, in: folder)["request"] as? [String: Any]
    return try #require(request?["method"] as? [String: Any])
  }

  @Test("Every method is compared from one noise: runs, a sheet of rows, and a table")
  func compare() throws {
    let methods = [
      "stable-diffusion", "attend-and-excite", "composable", "structure", "prompt-to-prompt",
    ]
    let folder = try TemporaryFolder()
    let arguments =
      ["compare", Self.prompt, "--methods", methods.joined(separator: ","), "--seeds", "1"]
      + ["--reweight", "frog=2"] + Self.few
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("parts: a cat | a frog"))
    #expect(result.stderr.contains("phrases: a cat; a frog"))
    let titles = [
      "Stable Diffusion", "Attend-and-Excite", "Composable Diffusion", "StructureDiffusion",
      "Prompt-to-Prompt",
    ]
    let rows = result.stdout.split(separator: "\n").dropFirst()
    #expect(rows.count == 2 * titles.count)
    for (row, title) in zip(rows, titles.flatMap { [$0, $0] }) {
      #expect(row.contains("1  \(title) "), "\(row)")
    }
    let place = "runs/a-cat-and-a-frog"
    for method in methods {
      #expect(try self.method("\(place)/\(method)/seed-1", in: folder)["name"] as? String == method)
    }
    let sheet = folder.bytes(place + "/sheet.pdf")
    let again = try HeedProcess.run(
      ["sheet", "--layout", "methods", "-o", "again.pdf"]
        + methods.map { "\(place)/\($0)/seed-1" }, in: folder.path)
    #expect(again.status == 0, "\(again.stderr)")
    #expect(folder.bytes("again.pdf") == sheet && !sheet.isEmpty)
    let check = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(check.status == 0, "\(check.stdout)")
    let rerun = try HeedProcess.run(arguments, in: folder.path)
    #expect(rerun.status == 0 && rerun.stdout == result.stdout)
    #expect(rerun.stderr.contains("Prompt-to-Prompt, seed 1: complete in"))
  }

  @Test("A run of Magnet is of its words: line ends change nothing, other words are another run")
  func bank() throws {
    let folder = try TemporaryFolder()
    func run(_ words: String, _ output: String) throws -> HeedProcess.Result {
      try folder.write("bank.txt", words.utf8)
      return try HeedProcess.run(
        [
          "generate", "a red cat and a green frog", "--method", "magnet", "--bank", "bank.txt",
          "--steps", "2", "-o", output,
        ], in: folder.path)
    }
    #expect(try run("dog\nbird\nsheep\nhorse\nbear\n", "one").status == 0)
    #expect(try run("\u{FEFF}dog\r\nbird\r\nsheep\r\nhorse\r\nbear\r\n", "two").status == 0)
    let places = ["one", "two"].map { "\($0)/a-red-cat-and-a-green-frog/magnet/seed-0/image.png" }
    #expect(folder.bytes(places[0]) == folder.bytes(places[1]) && !folder.bytes(places[0]).isEmpty)
    let other = try run("dog\nbird\nsheep\nhorse\ncow\n", "one")
    #expect(other.status == 73)
    for word in ["holds another run", "request.method.knobs.bank"] {
      #expect(other.stderr.contains(word), "\(other.stderr)")
    }
  }

  @Test("A run whose knobs differ is another run")
  func knobs() throws {
    let folder = try TemporaryFolder()
    func run(_ weight: String) throws -> HeedProcess.Result {
      try HeedProcess.run(
        ["generate", Self.prompt, "--method", "prompt-to-prompt", "--reweight", weight, "--steps"]
          + ["2"], in: folder.path)
    }
    #expect(try run("frog=2").status == 0)
    expectRefusal(try run("frog=3"), 73, ["holds another run", "request.method.knobs.reweight"])
  }

  @Test("Brackets and bars are read where a method reads them, and are no part of the prompt")
  func markup() throws {
    let folder = try TemporaryFolder()
    let structure = try HeedProcess.run(
      ["generate", "[a red car] and a cat", "--method", "structure", "--steps", "2"]
        + ["--structure-form", "conjunction"], in: folder.path)
    #expect(structure.status == 0, "\(structure.stderr)")
    #expect(structure.stderr.contains("phrases: a red car (car: red)"))
    let place = "runs/a-red-car-and-a-cat/structure/seed-0"
    let settings = try #require(try method(place, in: folder)["knobs"] as? [String: String])
    #expect(settings["phrases"] == "a red car" && settings["structure-form"] == "conjunction")
    let composable = try HeedProcess.run(
      ["generate", "a cat:5 | a frog:-2 | a car", "--method", "composable", "--steps", "2"],
      in: folder.path)
    #expect(composable.status == 0, "\(composable.stderr)")
    let parts = try method("runs/a-cat-and-a-car/composable/seed-0", in: folder)
    #expect(
      (parts["knobs"] as? [String: String])?["parts"] == "a cat:5.0 | a frog:-2.0 | a car:7.5")
    let plain = try HeedProcess.run(
      ["generate", "a [cat]", "--method", "stable-diffusion", "--dry-run"], in: folder.path)
    #expect(plain.status == 0, "\(plain.stderr)")
  }

  @Test("A source is edited as its words say, unless told otherwise")
  func source() throws {
    let folder = try TemporaryFolder()
    for (prompt, edit) in [("a dog and a frog", "replacement"), ("a cat", "refinement")] {
      let result = try HeedProcess.run(
        ["generate", prompt, "--method", "prompt-to-prompt", "--source", Self.prompt]
          + ["--cross-window", "0,0.5", "--steps", "2"], in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      #expect(result.stderr.contains("the source prompt is edited by \(edit)"))
      let run = result.stdout.split(separator: "\n").last.map(String.init) ?? ""
      let settings = try #require(try method(run, in: folder)["knobs"] as? [String: String])
      #expect(settings["edit"] == edit && settings["cross-window"] == "0.0,0.5")
      #expect(settings["self-window"] == "0.0,0.4" && settings["source"] == Self.prompt)
      #expect(settings["alignment-form"] == "words" && settings["self-pixels"] == "1024")
    }
  }

  @Test("The published form of re-weighting is stored with the prompt as its source")
  func publishedReweighting() throws {
    let folder = try TemporaryFolder()
    for (form, source) in [("own", nil), ("source", Self.prompt)] as [(String, String?)] {
      let result = try HeedProcess.run(
        ["generate", Self.prompt, "--method", "prompt-to-prompt", "--reweight", "frog=2"]
          + ["--reweight-form", form, "--steps", "2", "-o", form], in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      let run = result.stdout.split(separator: "\n").last.map(String.init) ?? ""
      let settings = try #require(try method(run, in: folder)["knobs"] as? [String: String])
      #expect(settings["reweight-form"] == form && settings["source"] == source)
    }
  }

  @Test("Words of a part and of a source that are left out are named")
  func leftOut() throws {
    let folder = try TemporaryFolder()
    let long = Array(repeating: "red", count: 80).joined(separator: " ") + " frog"
    for (arguments, name) in [
      (["a cat | \(long):-2", "--method", "composable"], "part 2"),
      ([Self.prompt, "--method", "prompt-to-prompt", "--source", long], "the source prompt"),
    ] {
      let result = try HeedProcess.run(
        ["generate"] + arguments + ["--steps", "1", "--no-record"], in: folder.path)
      #expect(result.status == 0)
      let warnings = result.messages.filter { $0.contains("is longer than 77 tokens") }
      #expect(warnings.count == 1, "\(result.stderr)")
      #expect(warnings.first?.hasPrefix("heed: warning: \(name) is longer") == true)
      #expect(warnings.first?.hasSuffix("red frog") == true)
    }
  }

  @Test("What was concluded is one line, whatever the prompt has in it")
  func oneLine() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["compare", "a red\nheed: cat and a frog", "--methods", "composable,structure"]
        + ["--tokens", "cat", "--dry-run"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(!result.messages.contains { $0.hasPrefix("heed: cat") }, "\(result.stderr)")
    #expect(result.stderr.contains("parts: a red\\u{a}heed: cat | a frog"))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let words: [String]
    var showsTokens = false
    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static func generate(
    _ prompt: String, _ arguments: [String], _ words: [String], showsTokens: Bool = false
  ) -> Refusal {
    Refusal(arguments: ["generate", prompt] + arguments, words: words, showsTokens: showsTokens)
  }

  private static let edited = ["--method", "prompt-to-prompt"]

  static let refusals = [
    Refusal(
      arguments: ["compare", prompt, "--methods", "stable-diffusion,foo"],
      words: [
        "--methods is 'foo'; expected stable-diffusion,", "composable", "structure",
        "prompt-to-prompt",
      ]),
    Refusal(
      arguments: ["compare", prompt, "--methods", ""], words: ["--methods is ''; expected"]),
    Refusal(
      arguments: ["compare", prompt, "--methods", "structure,structure"], words: ["twice"]),
    generate(prompt, ["--method", "structure", "--reweight", "frog=2"], ["prompt-to-prompt"]),
    generate(
      prompt, ["--structure-form", "values"],
      ["an option of structure, which is not a method of this run"]),
    generate(
      prompt, ["--method", "structure", "--thresholds", "none"], ["--thresholds is an option of"]),
    generate("a [", ["--method", "structure"], ["brackets", "do not match"]),
    generate("a [] cat", ["--method", "structure"], ["\"[]\" matches no token"]),
    generate("a [ ] cat", ["--method", "structure"], ["matches no token"]),
    generate("a cat | ", ["--method", "composable"], ["a part of", "is empty"]),
    generate("a cat:7,5 | a frog", ["--method", "composable"], ["\"a cat:7,5\" is not a number"]),
    generate("a cat:-1", ["--method", "composable"], ["every weight"]),
    generate(prompt, edited, ["prompt-to-prompt", "reweight or source"]),
    generate(prompt, edited + ["--reweight", "dog=2"], ["no word", "dog"], showsTokens: true),
    generate(
      prompt, edited + ["--reweight", "frog=2,@5=3"], ["'frog' and '@5'", "share a token"]),
    generate(prompt, edited + ["--reweight", "frog"], ["--reweight is 'frog'", "frog=2,cat=0.5"]),
    generate(prompt, edited + ["--reweight", "frog=nan"], ["--reweight is 'frog=nan'"]),
    generate(
      prompt, edited + ["--reweight", "frog=2", "--edit", "refinement"],
      ["--edit needs a source prompt"]),
    generate(
      prompt, edited + ["--source", "a big cat and a frog", "--edit", "replacement"],
      ["6 words", "expected 5"]),
    generate(
      prompt, edited + ["--source", "a dog", "--edit", "refinement", "--self-window", "0.5,0.2"],
      ["--self-window is '0.5,0.2'"]),
    generate(
      prompt, edited + ["--source", "a dog and a frog", "--reweight-form", "source"],
      ["--reweight-form needs weights", "--reweight"]),
    generate(
      prompt, edited + ["--reweight", "frog=2", "--alignment-form", "code"],
      ["--alignment-form needs a source prompt"]),
    generate(
      prompt, edited + ["--source", "a dog and a frog", "--self-pixels", "0"],
      ["--self-pixels is '0'"]),
  ]

  @Test("What cannot be is refused in one line, and nothing is made", arguments: refusals)
  func refused(_ refusal: Refusal) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(refusal.arguments, in: folder.path)
    expectRefusal(result, 64, refusal.words, showsTokens: refusal.showsTokens)
    #expect(folder.names.isEmpty)
  }
}

/// Runs made again without something that attention did.
@Suite("heed causal")
struct CausalCommandTests {
  private struct Report: Decodable {
    struct Image: Decodable { let meanAbsoluteDifference, structuralSimilarity: Double }
    struct Subject: Decodable {
      let subject: String
      let scoreBefore, scoreAfter, shared: Double
    }
    struct Pair: Decodable { let sharedBefore, sharedAfter: Double }
    let changedRun: String
    let image: Image
    let subjects: [Subject]
    let pairs: [Pair]
  }

  private static let place = "runs/a-cat-and-a-frog"

  /// A folder with a plain run of four steps, and one of Attend-and-Excite.
  private func runs() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["compare", "a cat and a frog", "--seeds", "3", "--steps", "4", "--max-iter-to-alter", "2"]
        + ["--thresholds", "none", "--phases", "denoise,loss"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return folder
  }

  @Test(
    "A dropped subject is not attended to, and the picture and the maps change",
    arguments: ["stable-diffusion", "attend-and-excite"])
  func dropped(_ method: String) throws {
    let folder = try runs()
    let run = "\(Self.place)/\(method)/seed-3"
    let result = try HeedProcess.run(["causal", run, "--drop", "frog", "--json"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let report = try JSONDecoder().decode(Report.self, from: Data(result.stdout.utf8))
    #expect(report.changedRun == "\(Self.place)/\(method)+drop-frog/seed-3")
    #expect(report.image.meanAbsoluteDifference > 0 && report.image.structuralSimilarity < 1)
    #expect(report.subjects.map(\.subject) == ["cat", "frog"])
    #expect(report.subjects[1].shared == 0 && report.subjects[1].scoreAfter < 0.02)
    #expect(report.pairs[0].sharedAfter == 0 && report.pairs[0].sharedBefore > 0)
    let table = try HeedProcess.run(["causal", run, "--drop", "frog"], in: folder.path)
    #expect(table.status == 0 && table.stderr.contains("complete in"))
    for word in ["PSNR", "SSIM", "score before", "cat, frog"] {
      #expect(table.stdout.contains(word), "\(table.stdout)")
    }
    #expect(try HeedProcess.run(["check", "runs"], in: folder.path).status == 0)
    let sheet = try HeedProcess.run(
      ["sheet", Self.place, "--layout", "methods", "-o", "sheet.png"], in: folder.path)
    #expect(sheet.status == 0, "\(sheet.stderr)")
  }

  @Test(
    "A run of any method is made again, by itself, after the method's own intervention",
    arguments: ["structure", "prompt-to-prompt"])
  func anyMethod(_ method: String) throws {
    let folder = try TemporaryFolder()
    let made = try HeedProcess.run(
      ["compare", "[a red cat] and [a frog]", "--methods", "composable,structure,prompt-to-prompt"]
        + ["--source", "a blue dog and a frog", "--steps", "2", "--seeds", "0,1"],
      in: folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    let run = "runs/a-red-cat-and-a-frog/\(method)/seed-1"
    let result = try HeedProcess.run(["causal", run, "--drop", "frog", "--json"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(!result.stderr.contains("parts:"))
    let report = try JSONDecoder().decode(Report.self, from: Data(result.stdout.utf8))
    #expect(report.subjects[1].shared == 0 && report.pairs[0].sharedAfter == 0)
    #expect(report.image.meanAbsoluteDifference > 0)
    let parted = try HeedProcess.run(
      ["causal", "runs/a-red-cat-and-a-frog/composable/seed-1", "--drop", "frog"], in: folder.path)
    expectRefusal(
      parted, 64, ["the method of an intervention is composable", "whole prompt's attention"])
    #expect(try HeedProcess.run(["check", "runs"], in: folder.path).status == 0)
  }

  @Test("A factor of 1 leaves the picture as it is; a head that is taken out does not")
  func damped() throws {
    let folder = try runs()
    let run = "\(Self.place)/stable-diffusion/seed-3"
    for (factor, same) in [("=1", true), ("", false)] {
      let result = try HeedProcess.run(
        ["causal", run, "--damp", "16x16.0\(factor)", "--json", "-o", "causal\(same)"],
        in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      let name = result.stdout.contains("\"peakSignalToNoise\" : \"inf\"")
      #expect(name == same, "\(result.stdout)")
    }
  }

  @Test("A damped word is what prompt-to-prompt makes of it by re-weighting")
  func dampedWord() throws {
    let folder = try runs()
    let run = "\(Self.place)/stable-diffusion/seed-3"
    let result = try HeedProcess.run(["causal", run, "--damp", "frog=0.5"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let other = try HeedProcess.run(
      ["generate", "a cat and a frog", "--method", "prompt-to-prompt", "--reweight", "frog=0.5"]
        + ["--seeds", "3", "--steps", "4"], in: folder.path)
    #expect(other.status == 0, "\(other.stderr)")
    let made = result.stdout.split(separator: "\n").first?.split(separator: " ").last
    let latent = folder.bytes("\(made ?? "")/latent.npy")
    #expect(
      latent == folder.bytes("\(Self.place)/prompt-to-prompt/seed-3/latent.npy") && !latent.isEmpty)
    #expect(latent != folder.bytes(run + "/latent.npy"))
  }

  @Test("What cannot be repeated is refused")
  func refused() throws {
    let folder = try runs()
    let run = "\(Self.place)/stable-diffusion/seed-3"
    func refuse(_ arguments: [String], _ code: Int32, _ words: [String], table: Bool = false) throws
    {
      let result = try HeedProcess.run(["causal"] + arguments, in: folder.path)
      expectRefusal(result, code, words, showsTokens: table)
    }
    try refuse([run], 64, ["--drop", "--damp"])
    try refuse([run, "--drop", "dog"], 64, ["no word", "dog"], table: true)
    try refuse([run, "--damp", "16x16"], 64, ["--damp is '16x16'", "frog=0.5"])
    try refuse([run, "--damp", "=0.5"], 64, ["--damp is '=0.5'"])
    try refuse([run, "--damp", "frog=x"], 64, ["--damp is 'frog=x'"])
    try refuse([run, "--damp", "dog=0.5"], 64, ["no word", "dog"], table: true)
    try refuse([run, "--damp", "16x16.99"], 64, ["the head of 16x16 is 99"])
    try refuse([run, "--damp", "9x9.0"], 64, ["no attention layer matches '9x9'"])
    try refuse(["nosuch", "--drop", "frog"], 66, ["nosuch"])
    let model = Repository.root + "/Tests/DiffusionTests/Fixtures/tiny-sd1"
    try refuse([run, "--drop", "frog", "--model", model], 65, ["Menagerie", "differs", "--model"])
    let path = run + "/run.json"
    let text = folder.text(path)
    // What the request does not make of itself any more.
    for (here, lie, word) in [
      ("\"height\" : 128,", "\"height\" : 136,", "height is 136"),
      ("\"title\" : \"Stable Diffusion\"", "\"title\" : \"Stable\"", "method.title"),
    ] {
      #expect(text.contains(here))
      try folder.write(path, Array(text.replacing(here, with: lie).utf8))
      try refuse([run, "--drop", "frog"], 65, ["cannot be repeated", word])
    }
  }
}
