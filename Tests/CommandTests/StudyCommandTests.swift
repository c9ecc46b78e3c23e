import Foundation
import Pictures
import TestSupport
import Testing

@Suite("heed study")
struct StudyCommandTests {
  private static let make = ["make", "bench", "--prompts", "2", "--seeds", "2"]

  private func bench(prompts: Int = 4) throws -> StudyBench {
    let bench = try StudyBench(prompts: Array(StudyBench.prompts.prefix(prompts)))
    let made = try HeedProcess.run(["study"] + Self.make, in: bench.folder.path)
    #expect(made.status == 0 && made.stderr.isEmpty, "\(made.stderr)")
    #expect(made.stdout.hasPrefix("study.html: study "))
    return bench
  }

  /// The questions on the page.
  private func asked(_ html: String) throws -> [[String: Any]] {
    let start = try #require(html.range(of: "id=\"data\">")).upperBound
    let end = try #require(html.range(of: "</script>", range: start..<html.endIndex)).lowerBound
    let data = try JSONSerialization.jsonObject(with: Data(html[start..<end].utf8))
    return try #require((data as? [String: Any])?["questions"] as? [[String: Any]])
  }

  @Test("The page holds each method's pictures of the same seeds, without what betrays the method")
  func page() throws {
    let bench = try bench()
    let html = bench.folder.text("study.html")
    for word in StudyBench.methods + ["Stable Diffusion", "Attend-and-Excite", "seed-", "bench/"] {
      #expect(!html.localizedCaseInsensitiveContains(word), "\(word)")
    }
    let key = try bench.questions()
    let asked = try asked(html)
    #expect(asked.map { $0["code"] as? String } == key.map(\.code))
    for (question, shown) in zip(key, asked) {
      #expect(shown["prompt"] as? String == question.prompt)
      let sets = try #require(shown["sets"] as? [[String: Any]])
      #expect(sets.map { $0["code"] as? String } == question.sets.map(\.code))
      #expect(Set(question.sets.map(\.method)) == Set(StudyBench.methods))
      #expect(question.seeds == ["0", "1"])
      for (set, one) in zip(question.sets, sets) {
        let addresses = try #require(one["pictures"] as? [String])
        for (seed, address) in zip(["0", "1"], addresses) {
          let prefix = "data:image/png;base64,"
          #expect(address.hasPrefix(prefix))
          let bytes = [UInt8](try #require(Data(base64Encoded: String(address.dropFirst(22)))))
          #expect(Set(Self.chunks(bytes)).isSubset(of: ["IHDR", "sRGB", "gAMA", "IDAT", "IEND"]))
          let run = "bench/runs/\(question.id)/\(set.method)/seed-\(seed)/image.png"
          let picture = try Picture.read(bench.folder.path + "/" + run)
          #expect(try Picture.decode(bytes, path: "page") == picture, "\(run)")
        }
        #expect(addresses.count == 2)
      }
    }
    let codes = key.map(\.code) + key.flatMap { $0.sets.map(\.code) }
    #expect(Set(codes).count == 16)
  }

  /// The kinds of a PNG file's chunks.
  private static func chunks(_ png: [UInt8]) -> [String] {
    var (place, kinds) = (8, [String]())
    while place + 8 <= png.count {
      let length = png[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      kinds.append(String(decoding: png[place + 4..<place + 8], as: UTF8.self))
      place += length + 12
    }
    return kinds
  }

  @Test("One seed makes one study, byte for byte; another seed or another picture makes another")
  func seeds() throws {
    let bench = try bench()
    let (page, key) = (bench.folder.bytes("study.html"), bench.folder.bytes("study-key.json"))
    let study = try #require(try bench.object("study-key.json")["study"] as? String)
    #expect(try bench.study("make", "bench", "--prompts", "2", "--seeds", "2").status == 0)
    #expect(bench.folder.bytes("study.html") == page)
    #expect(bench.folder.bytes("study-key.json") == key)
    // Other folders beside the runs are no methods.
    try bench.folder.write("bench/runs/a-cat-and-a-frog/figures/a.png", [0])
    try bench.folder.write("bench/runs/a-dog-and-a-bird/old/seed-0/image.png", [0])
    #expect(try bench.study("make", "bench", "--prompts", "2", "--seeds", "2").status == 0)
    #expect(bench.folder.bytes("study.html") == page)
    func other(_ arguments: [String]) throws -> String? {
      let made = try HeedProcess.run(
        ["study", "make", "bench", "--prompts", "1", "--seeds", "1", "--key", "k.json"]
          + arguments, in: bench.folder.path)
      #expect(made.status == 0, "\(made.stderr)")
      return try bench.object("k.json")["study"] as? String
    }
    let several = try (0..<6).map { try #require(try other(["--seed", "\($0)"])) }
    #expect(Set(several).count == 6 && !several.contains(study))
    let before = try other(["--seed", "3"])
    let questions = try #require(try bench.object("k.json")["questions"] as? [[String: Any]])
    let id = try #require(questions.first?["id"] as? String)
    let runs = "bench/runs/\(id)/"
    let picture = bench.folder.bytes(runs + "composable/seed-0/image.png")
    try bench.folder.write(runs + "stable-diffusion/seed-0/image.png", picture)
    #expect(try other(["--seed", "3"]) != before)
  }

  @Test("The methods are those of the benchmark's record, and those whose runs were copied there")
  func recordedMethods() throws {
    let bench = try bench(prompts: 2)
    try bench.folder.write(
      "bench/benchmark.json",
      #"{"format":1,"methods":["stable-diffusion","composable"],"model":"m","seeds":[0,1],"suite":"s","titles":["A","B"]}"#
        .utf8)
    #expect(try bench.study("make", "bench", "--prompts", "1", "--seeds", "1").status == 0)
    for question in try bench.questions() {
      #expect(
        Set(question.sets.map(\.method)) == [
          "stable-diffusion", "composable", "attend-and-excite",
        ])
    }
    expectRefusal(
      try bench.study("make", "bench", "--methods", "structure,composable"), 64,
      ["\"structure\"", "bench has attend-and-excite, composable, stable-diffusion"])
  }

  @Test("Prompts without pictures of all methods are passed over, with a word, or refused")
  func missingPictures() throws {
    let bench = try bench()
    try bench.folder.remove("bench/runs/a-cat-and-a-frog/composable/seed-1")
    let one = try bench.study("make", "bench", "--prompts", "1", "--seeds", "2", "--seed", "4")
    #expect(one.status == 0)
    #expect(try bench.questions().allSatisfy { $0.id != "a-cat-and-a-frog" })
    for (arguments, code, words) in [
      (["--prompts", "2", "--seeds", "2"], 66, ["bench/runs", "animals", "prompts: 2", "got 1"]),
      (["--prompts", "3", "--seeds", "1"], 66, ["animals", "prompts: 3", "got 2"]),
      (["--methods", "composable,nosuch"], 64, ["\"nosuch\"", "composable"]),
      (["--methods", "composable,composable"], 64, ["twice"]),
      (["--methods", "composable"], 64, ["2 to 26", "got 1"]),
      (["--prompts", "0"], 64, ["--prompts", "0"]), (["--seeds", "-1"], 64, ["--seeds"]),
      (["--side", "4"], 64, ["--side"]), (["--prompts", "1000", "--seeds", "9"], 64, ["10000"]),
      (["--key", "study.html"], 64, ["--key"]),
    ] as [([String], Int32, [String])] {
      let output = arguments.contains("--key") ? [] : ["-o", "no.html", "--key", "no.json"]
      expectRefusal(
        try HeedProcess.run(
          ["study", "make", "bench"] + arguments + output, in: bench.folder.path), code, words)
    }
    expectRefusal(try bench.study("make", "nosuch", "-o", "no.html"), 66, ["nosuch/suite.jsonl"])
    let runs = bench.folder.path + "/bench/runs/a-dog-and-a-bird/composable"
    try FileManager.default.removeItem(atPath: runs + "/seed-0")
    try FileManager.default.copyItem(atPath: runs + "/seed-1", toPath: runs + "/seed-0")
    expectRefusal(
      try bench.study("make", "bench", "--prompts", "2", "--seeds", "1", "-o", "no.html"),
      65, ["composable/seed-0: expected", "from seed 0, got", "seed 1"])
    let two = try bench.study(
      "make", "bench", "--prompts", "1", "--seeds", "2", "--methods", "composable,stable-diffusion")
    #expect(two.status == 65)
    #expect(!bench.folder.names.contains { $0.hasPrefix("no.") })
  }

  @Test("Shares, agreement and positions are those of the answers")
  func tally() throws {
    let bench = try bench()
    // Of four respondents three choose one method of animals, and all choose another of the rest.
    func choice(_ respondent: Int, _ question: StudyBench.KeyQuestion) -> String {
      if question.subset == "mixed" { return "composable" }
      return respondent < 3 ? "attend-and-excite" : "stable-diffusion"
    }
    for respondent in 0..<4 {
      let answers = try bench.answers(respondent) { choice(respondent, $0) }
      try bench.write("answers/\(respondent).json", answers)
    }
    let files = (0..<4).map { "answers/\($0).json" }
    let json = try HeedProcess.run(["study", "tally"] + files + ["--json"], in: bench.folder.path)
    #expect(json.status == 0 && json.stderr.isEmpty, "\(json.stderr)")
    let tally = try JSONDecoder().decode(Tally.self, from: Data(json.stdout.utf8))
    #expect(tally.respondents == 4 && tally.prompts.count == 4)
    let subsets = Dictionary(uniqueKeysWithValues: tally.subsets.map { ($0.subset ?? "", $0) })
    let animals = try #require(subsets["animals"]?.shares["attend-and-excite"])
    #expect(animals.votes == 6 && animals.of == 8 && animals.share.value == 0.75)
    // Both prompts have the same votes, so that only respondents are drawn: the binomial's percentiles.
    #expect(animals.share.low == 0.25 && animals.share.high == 1)
    let mixed = try #require(subsets["mixed"]?.shares["composable"])
    #expect(mixed.votes == 8 && mixed.share.value == 1 && mixed.share.low == 1)
    #expect(subsets["mixed"]?.kappa.value == nil)
    // Fleiss: P = (3 * 2 / 12 + 0) = 1/2, Pe = (3/4)^2 + (1/4)^2 = 5/8.
    let kappa = try #require(subsets["animals"]?.kappa.value)
    #expect(abs(kappa - (0.5 - 0.625) / 0.375) < 1e-12)
    #expect(tally.all.shares.values.map(\.votes).reduce(0, +) == 16)
    #expect(tally.all.shares["composable"]?.share.value == 0.5)
    // All: P = (1/2 + 1/2 + 1 + 1) / 4 = 3/4, Pe = (1/2)^2 + (3/8)^2 + (1/8)^2.
    let all = try #require(tally.all.kappa.value)
    #expect(abs(all - (0.75 - 0.40625) / 0.59375) < 1e-12)
    #expect(tally.positions.map(\.votes).reduce(0, +) == 16)
    var positions = [0, 0, 0]
    for (turn, question) in try bench.questions().enumerated() {
      for respondent in 0..<4 {
        let method = choice(respondent, question)
        let place = try #require(question.sets.firstIndex { $0.method == method })
        positions[(place - turn % 3 + 3) % 3] += 1
      }
    }
    #expect(tally.positions.map(\.votes) == positions)
    for prompt in tally.prompts { #expect(prompt.votes.values.reduce(0, +) == 4) }

    let backwards = try HeedProcess.run(
      ["study", "tally"] + files.reversed() + ["--json"], in: bench.folder.path)
    #expect(backwards.stdout == json.stdout)
    let text = try HeedProcess.run(["study", "tally"] + files, in: bench.folder.path)
    let lines = text.stdout.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
    #expect(text.status == 0)
    #expect(lines.contains("animals attend-and-excite 6 8 0.7500 [0.2500, 1.0000]"))
    #expect(lines.contains("all prompts composable 8 16 0.5000 [0.0000, 1.0000]"))
    #expect(lines.contains("mixed 2 - -") && text.stdout.contains("0.3333"))
  }

  /// What `heed study tally --json` prints.
  private struct Tally: Decodable {
    struct Interval: Decodable { let value, low, high: Double? }
    struct Chosen: Decodable {
      let votes, of: Int
      let share: Interval
    }
    struct Part: Decodable {
      let subset: String?
      let prompts: Int
      let shares: [String: Chosen]
      let kappa: Interval
    }
    struct Prompt: Decodable {
      let id: String
      let votes: [String: Int]
    }
    let study: String
    let respondents: Int
    let all: Part
    let subsets: [Part]
    let positions: [Chosen]
    let prompts: [Prompt]
  }

  @Test("One respondent is counted, without intervals and agreement")
  func oneRespondent() throws {
    let bench = try bench(prompts: 2)
    let answers = try bench.answers(1) { _ in "composable" }
    // An editor may have put a byte order mark before them.
    try bench.folder.write("a.json", [0xEF, 0xBB, 0xBF] + [UInt8](answers.json))
    let result = try bench.study("tally", "a.json")
    #expect(result.status == 0)
    #expect(result.stdout.contains("1 respondent, 2 prompts."))
    let line = result.stdout.split(separator: "\n").first { $0.contains("composable") }
    #expect(line?.split(separator: " ").suffix(4) == ["2", "2", "1.0000", "-"])
  }

  @Test("Answers that are damaged, incomplete, foreign or there twice are refused by name")
  func refusals() throws {
    let bench = try bench()
    let good = try bench.answers(1) { _ in "composable" }
    try bench.write("good.json", good)
    func refused(
      _ name: String, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation,
      _ change: (inout StudyBench.Answers) -> Void
    ) throws {
      var answers = good
      answers.respondent = "00000000000000ff"
      change(&answers)
      try bench.write(name, answers)
      expectRefusal(
        try bench.study("tally", "good.json", name), 65, [name] + words,
        sourceLocation: sourceLocation)
    }
    try refused("same.json", ["same respondent", "good.json"]) { $0 = good }
    try refused("other.json", ["another questionnaire", "0123456789abcdef"]) {
      $0.study = "0123456789abcdef"
      $0 = $0.sealed
    }
    try refused("short.json", ["incomplete", "all 4", "got 3"]) {
      $0.answers.removeLast()
      $0 = $0.sealed
    }
    try refused("none.json", ["incomplete", "got 0"]) {
      $0.answers = []
      $0 = $0.sealed
    }
    try refused("twice.json", [".answers[4].question", "second"]) {
      $0.answers.append($0.answers[1])
      $0 = $0.sealed
    }
    try refused("choice.json", [".answers[2].choice", "\"xxxxxxxx\""]) {
      $0.answers[2].choice = "xxxxxxxx"
      $0 = $0.sealed
    }
    try refused("order.json", [".answers[0].order"]) {
      $0.answers[0].order.removeLast()
      $0 = $0.sealed
    }
    try refused("foreign-set.json", [".answers[0].order"]) {
      $0.answers[0].order[0] = $0.answers[1].order[0]
      $0 = $0.sealed
    }
    try refused("question.json", [".answers[3].question", "\"../../etc\""]) {
      $0.answers[3].question = "../../etc"
      $0 = $0.sealed
    }
    try refused("flipped.json", [".checksum", "damaged"]) {
      $0.answers[1].choice = $0.answers[1].order.first { $0 != good.answers[1].choice } ?? ""
      $0.checksum = good.checksum
    }
    try refused("respondent.json", [".respondent"]) { $0.respondent = "\u{1B}[31mx" }
    try refused("version.json", [".version", "expected 1", "2"]) { $0.version = 2 }
    try refused("format.json", ["expected the format", "heed study answers"]) {
      $0.format = "heed study key"
    }
    let json = try good.json
    for (name, bytes, words) in [
      ("cut.json", [UInt8](json.prefix(json.count / 2)), ["cut.json"]),
      ("list.json", Array("[]".utf8), ["expected the format", "heed study answers"]),
      ("deep.json", [UInt8](repeating: UInt8(ascii: "["), count: 100_000), ["deep.json"]),
      ("large.json", [UInt8](repeating: 32, count: 5 << 20), ["at most 4194304 bytes"]),
      ("latin.json", Array("{\"format\": \"".utf8) + [0xE9] + Array("\"}".utf8), ["latin.json"]),
    ] {
      try bench.folder.write(name, bytes)
      expectRefusal(try bench.study("tally", "good.json", name), 65, words)
    }
    expectRefusal(try bench.study("tally", "nosuch.json"), 66, ["nosuch.json"])
    expectRefusal(try bench.study("tally", "good.json", "good.json"), 65, ["same respondent"])
    expectRefusal(
      try bench.study("tally", "good.json", "--key", "good.json"), 65, ["expected the format"])
    expectRefusal(try bench.study("tally", "good.json", "--key", "no.json"), 66, ["no.json"])
    #expect(try bench.study("tally", "good.json").status == 0)
  }

  @Test("A key that is damaged is refused with its place")
  func damagedKey() throws {
    let bench = try bench(prompts: 2)
    try bench.write("a.json", try bench.answers(1) { _ in "composable" })
    let key = bench.folder.text("study-key.json")
    let question = try #require(try bench.questions().first)
    for (from, to, words) in [
      ("\"composable\"", "\"stable-diffusion\"", [".methods"]),
      (question.sets[0].code, question.sets[1].code, ["each code once"]),
      ("\"questions\"", "\"question\"", ["\"questions\""]),
      ("\"seed\" : 0", "\"seed\" : -1", [".seed"]),
    ] {
      let damaged = key.replacing(from, with: to)
      #expect(damaged != key)
      try bench.folder.write("k.json", damaged.utf8)
      expectRefusal(
        try bench.study("tally", "a.json", "--key", "k.json"), 65, ["k.json"] + words)
    }
  }

  @Test("A suite without subsets is one part, and larger pictures are made smaller")
  func withoutSubsets() throws {
    let bench = try StudyBench(prompts: [("a cat and a frog", nil), ("a dog and a bird", nil)])
    let made = try bench.study("make", "bench", "--prompts", "2", "--seeds", "1", "--side", "32")
    #expect(made.status == 0, "\(made.stderr)")
    let asked = try asked(bench.folder.text("study.html"))
    #expect(asked.count == 2)
    for question in asked {
      for set in try #require(question["sets"] as? [[String: Any]]) {
        let address = try #require((set["pictures"] as? [String])?.first)
        let bytes = [UInt8](try #require(Data(base64Encoded: String(address.dropFirst(22)))))
        let picture = try Picture.decode(bytes, path: "page")
        #expect(picture.width == 32 && picture.height == 32)
      }
    }
    try bench.write("a.json", try bench.answers(1) { _ in "composable" })
    try bench.write("b.json", try bench.answers(2) { _ in "stable-diffusion" })
    let result = try bench.study("tally", "a.json", "b.json")
    #expect(result.status == 0)
    #expect(result.stdout.components(separatedBy: "all prompts").count == 5, "\(result.stdout)")
  }
}
