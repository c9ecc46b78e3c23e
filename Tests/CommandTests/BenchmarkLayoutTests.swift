import Foundation
import TestSupport
import Testing

/// `heed benchmark export` and `heed benchmark import`: pictures as other benchmarks' scripts find them, and
/// results on the pictures that they are of.
@Suite("heed benchmark export and import")
struct BenchmarkLayoutTests {
  private static let methods = ["stable-diffusion", "attend-and-excite"]
  private static let prompts = [
    (id: "a-cat-and-a-red-car", text: "a cat and a red car", words: "cat,car"),
    (id: "a-dog-left-of-a-bench", text: "a dog left of a bench", words: "dog,bench"),
    (
      id: "a-bird-and-a-child-s-kite-56d84dbe", text: "a bird and a child's kite",
      words: "bird,kite"
    ),
  ]
  private static let suite = #"""
    {"id": "a-cat-and-a-red-car", "prompt": "a cat and a red car", "subset": "pairs", "subjects": ["cat", "car"], "attributes": {"car": "red"}}
    {"id": "a-dog-left-of-a-bench", "prompt": "a dog left of a bench", "subset": "places", "subjects": ["dog", "bench"], "relations": [["dog", "left of", "bench"]]}
    {"id": "a-bird-and-a-child-s-kite-56d84dbe", "prompt": "a bird and a child's kite", "subset": "pairs", "subjects": ["bird", "kite"]}

    """#
  private static let record = #"""
    {"format":1,"methods":["stable-diffusion","attend-and-excite"],"model":"Menagerie","seeds":[0,1],"suite":"small","titles":["Stable Diffusion","Attend-and-Excite"]}

    """#
  /// Questions of the benchmarks that need some; their texts are of no benchmark.
  private static let metadata = [
    "geneval2": #"""
    {"prompt": "a bird and a child's kite", "atom_count": 2, "vqa_list": [["Are there any birds in the image?", "Yes"], ["Are there any kites in the image?", "Yes"]], "skills": ["object", "object"]}
    {"prompt": "nobody asks for this", "atom_count": 1, "vqa_list": [["Is this asked for?", "No"]], "skills": ["object"]}
    {"prompt": "a cat and a red car", "atom_count": 3, "vqa_list": [["Are there any cats in the image?", "Yes"], ["Are there any cars in the image?", "Yes"], ["Is the car red?", "Yes"]], "skills": ["object", "object", "attribute"]}
    {"prompt": "a dog left of a bench", "atom_count": 3, "vqa_list": [["Are there any dogs in the image?", "Yes"], ["Are there any benches in the image?", "Yes"], ["Is the dog left of the bench?", "Yes"]], "skills": ["object", "object", "position"]}
    """#,
    "tifa": #"""
    [{"id": "demo_2", "caption": "a cat and a red car", "question": "is there a cat?", "choices": ["yes", "no"], "answer": "yes", "element_type": "animal/human", "element": "cat"},
     {"id": "demo/../7", "caption": "a dog left of a bench", "question": "is there a dog?", "choices": ["yes", "no"], "answer": "yes", "element_type": "animal/human", "element": "dog"},
     {"id": "demo_9", "caption": "nobody asks for this", "question": "who?", "choices": ["yes", "no"], "answer": "no", "element_type": "other", "element": "who"},
     {"id": "demo_2", "caption": "a cat and a red car", "question": "what color is the car?", "choices": ["red", "blue"], "answer": "red", "element_type": "color", "element": "red"},
     {"id": "demo_1", "caption": "a bird and a child's kite", "question": "is there a kite?", "choices": ["yes", "no"], "answer": "yes", "element_type": "object", "element": "kite"}]
    """#,
    "dsg": """
    item_id,text,keywords,proposition_id,dependency,category_broad,category_detailed,tuple,question_natural_language\r
    demo_7,a cat and a red car,"cat, car",1,0,entity,whole,"entity - whole (cat)","Is there a ""cat""?"\r
    demo_7,a cat and a red car,"cat, car",2,0,entity,whole,entity - whole (car),Is there a car?\r
    demo_7,a cat and a red car,"cat, car",3,2,attribute,color,"attribute - color (car, red)","Is the car
    red?"\r
    demo_8,a bird and a child's kite,,1,0,entity,whole,entity - whole (bird),Is there a bird?\r
    demo_1,nobody asks for this,,1,0,other,,,Is it?\r
    demo_9,a dog left of a bench,,1,0,entity,whole,entity - whole (dog),Is there a dog?\r
    demo_9,a dog left of a bench,,2,"1,3",relation,spatial,"relation - spatial (dog, bench, left)",Is the dog left of the bench?\r
    demo_9,a dog left of a bench,,3,0,entity,whole,entity - whole (bench),Is there a bench?
    """,
  ]

  /// A benchmark of three prompts by two methods from two seeds, made once.
  private static let made = Result {
    let folder = try TemporaryFolder()
    try folder.write("bench/suite.jsonl", suite.utf8)
    try folder.write("bench/benchmark.json", record.utf8)
    for (name, text) in metadata { try folder.write(name, text.utf8) }
    for prompt in prompts {
      for method in methods {
        let result = try HeedProcess.run(
          [
            "generate", prompt.text, "--method", method, "--tokens", prompt.words, "--seeds",
            "0..1",
            "--steps", "1", "--no-record", "-o", "bench/runs",
          ], in: folder.path)
        guard result.status == 0 else { throw Failed(reason: result.stderr) }
      }
    }
    return folder
  }

  private struct Failed: Error { let reason: String }

  private let made: TemporaryFolder
  private let folder: TemporaryFolder

  init() throws {
    made = try Self.made.get()
    folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: made.path + "/bench", toPath: folder.path + "/bench")
    for name in Self.metadata.keys { try folder.write(name, made.bytes(name)) }
  }

  private func heed(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(["benchmark"] + arguments, in: folder.path)
  }

  private func export(_ layout: String, _ more: [String] = []) throws -> HeedProcess.Result {
    try heed(["export", "bench", "--layout", layout, "-o", "out"] + more)
  }

  /// What a layout needs besides its name, as a user would give it.
  private static func needed(_ layout: String) -> [String] {
    let oneMethod = ["dsg", "visor", "syngen"].contains(layout) ? [] : ["--method", methods[1]]
    let oneSeed = ["geneval2", "tifa", "dsg"].contains(layout) ? ["--seeds", "1"] : []
    return oneMethod + oneSeed + (metadata[layout] == nil ? [] : ["--metadata", layout])
  }

  private static let layouts = [
    "attend-and-excite", "t2i-compbench", "geneval", "geneval2", "tifa", "dsg", "visor", "syngen",
  ]

  // MARK: - Pictures

  /// What the stand-in of the scorers makes of a picture: a number that its bytes alone decide.
  private static func number(_ bytes: [UInt8]) -> Double {
    Double(bytes.enumerated().reduce(0) { $0 + ($1.offset % 251 + 1) * Int($1.element) } % 10007)
      / 10007
  }

  private func picture(_ id: String, _ method: String, _ seed: UInt64) -> [UInt8] {
    folder.bytes("bench/runs/\(id)/\(method)/seed-\(seed)/image.png")
  }

  private struct Found: Decodable, Hashable {
    let prompt: String
    let model: String?
    let number: Double

    init(_ prompt: String, _ model: String?, _ number: Double) {
      (self.prompt, self.model, self.number) = (prompt, model, number)
    }

    init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      prompt = try values.decode(String.self)
      model = try values.decodeIfPresent(String.self)
      number = try values.decode(Double.self)
    }
  }

  /// Runs the stand-in of a layout's scorers on an export.
  private func score(_ layout: String) throws -> [Found] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [
      Repository.fixtures + "/layouts/score_like_the_tools.py", layout, folder.path + "/out",
    ]
    let output = folder.path + "/found.json"
    try Data().write(to: URL(fileURLWithPath: output))
    process.standardOutput = FileHandle(forWritingAtPath: output)
    try process.runWithSignals()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return try JSONDecoder().decode(
      [Found].self, from: Data(contentsOf: URL(fileURLWithPath: output)))
  }

  private static let hasPython = FileManager.default.fileExists(atPath: "/usr/bin/python3")

  @Test(
    "Scripts find every picture under its own prompt, method and number",
    .enabled(if: hasPython, "needs python3"), arguments: layouts, ["--link", nil])
  func found(_ layout: String, _ link: String?) throws {
    let result = try export(layout, Self.needed(layout) + (link.map { [$0] } ?? []))
    #expect(result.status == 0, "\(result.stderr)")
    let found = try score(layout)
    let several = ["dsg", "visor", "syngen"].contains(layout)
    let seeds: [UInt64] = ["geneval2", "tifa", "dsg"].contains(layout) ? [1] : [0, 1]
    let expected = Self.prompts.flatMap { prompt in
      (several ? Self.methods : [Self.methods[1]]).flatMap { method in
        seeds.map { seed in
          Found(
            layout == "syngen" ? prompt.text.replacing("'", with: " ") : prompt.text,
            several ? method : nil, Self.number(picture(prompt.id, method, seed)))
        }
      }
    }
    #expect(Set(expected).count == expected.count)
    #expect(found.count == expected.count && Set(found) == Set(expected))
    #expect(!folder.names.contains { $0.hasSuffix(".tmp") })
  }

  // MARK: - Results

  private struct Score: Decodable {
    struct Detection: Decodable {
      let subject: String
      let score: Double
      let box: [Double]
    }
    let scorer, model, id, method: String
    let seed: UInt64
    let values: [String: Double]
    let caption: String?
    let detections: [Detection]?
  }

  private func scores(_ name: String) throws -> [Score] {
    try folder.text("bench/scores/\(name).jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Score.self, from: Data($0.utf8))
    }
  }

  /// What a scorer's file must say of a picture, by the stand-in's rules.
  private static let rules: [String: @Sendable (Double, String) -> [String: Double]] = [
    "attend-and-excite-clip": { number, _ in
      ["full": number, "first": number / 2, "second": number / 4, "minimum": number / 4]
    },
    "attend-and-excite-blip": { number, _ in ["text-text": number] },
    "t2i-compbench-blip-vqa": { number, _ in ["score": (number * 10000).rounded() / 10000] },
    "t2i-compbench-clip": { number, _ in ["score": number] },
    "geneval": { number, _ in ["correct": number >= 0.5 ? 1 : 0] },
    "geneval2": { number, id in
      let count = id.hasPrefix("a-bird") ? 2 : 3
      let sum = (1...count).reduce(0) { $0 + pow(number, Double($1)) }
      // The mean of the exponents 1 … n is (n + 1) / 2.
      return [
        "arithmetic_mean": sum / Double(count),
        "geometric_mean": pow(number, Double(count + 1) / 2),
      ]
    },
    "vqascore": { number, _ in ["vqascore": number] },
    "tifa": { number, _ in ["score": number] },
    "dsg": { number, id in
      let bits = Int((number * 10007).rounded())
      func yes(_ question: Int) -> Double { Double(bits >> question & 1) }
      let (scores, bare): (Double, Double) =
        id.hasPrefix("a-bird")
        ? (yes(1), yes(1))
        : id.hasPrefix("a-cat")
          ? ((yes(1) + yes(2) + yes(3) * yes(2)) / 3, (yes(1) + yes(2) + yes(3)) / 3)
          : ((yes(1) + yes(2) * yes(1) * yes(3) + yes(3)) / 3, (yes(1) + yes(2) + yes(3)) / 3)
      return ["score": scores, "without_dependency": bare]
    },
    "visor": { number, id in
      let hits = Int((number * 10007).rounded())
      let (recall, sra) = (Double(hits % 3), Double(hits % 2))
      // The script passes over prompts without a relation.
      guard id == "a-dog-left-of-a-bench" else { return ["recall": recall] }
      guard recall == 2 else { return ["recall": recall, "oa": 0, "sra": sra, "uncond": 0] }
      return ["recall": recall, "oa": 1, "sra": sra, "uncond": sra, "cond": sra]
    },
  ]

  private static let results: [(layout: String, file: String, name: String, more: [String])] = [
    ("attend-and-excite", "metrics/clip_raw_metrics.json", "attend-and-excite-clip", []),
    ("attend-and-excite", "metrics/blip_raw_metrics.json", "attend-and-excite-blip", []),
    ("t2i-compbench", "annotation_blip/vqa_result.json", "t2i-compbench-blip-vqa", []),
    ("t2i-compbench", "annotation_clip/vqa_result.json", "t2i-compbench-clip", []),
    ("geneval", "results.jsonl", "geneval", []), ("geneval2", "results.json", "geneval2", []),
    ("geneval2", "vqascore.json", "vqascore", ["--name", "vqascore"]),
    ("tifa", "results.json", "tifa", []), ("dsg", "answers.csv", "dsg", []),
    (
      "visor",
      "results_attend-and-excite_text_spatial_rel_phrases_owlvit_0.1.json", "visor",
      []
    ),
  ]

  @Test(
    "A tool's results come back to the pictures that they are of",
    .enabled(if: hasPython, "needs python3"), arguments: results.indices)
  func roundTrip(_ index: Int) throws {
    let (layout, file, name, more) = Self.results[index]
    #expect(try export(layout, Self.needed(layout)).status == 0)
    _ = try score(layout)
    let result = try heed(["import", "bench", "out/" + file] + more)
    #expect(result.status == 0, "\(result.stderr)")
    let scores = try scores(name)
    // The scripts pass over the prompt without "and" or "with".
    let isCLIP = name == "attend-and-excite-clip"
    let prompts = Self.prompts.filter { !(isCLIP && $0.id.contains("bench")) }
    let methods = layout == "dsg" ? Self.methods : [Self.methods[1]]
    let seeds: [UInt64] = ["geneval2", "tifa", "dsg"].contains(layout) ? [1] : [0, 1]
    #expect(scores.count == prompts.count * methods.count * seeds.count)
    #expect(Set(scores.map { "\($0.id) \($0.method) \($0.seed)" }).count == scores.count)
    let rule = try #require(Self.rules[name])
    for score in scores {
      #expect(score.scorer == name && methods.contains(score.method))
      #expect(seeds.contains(score.seed) && prompts.contains { $0.id == score.id })
      let expected = rule(
        Self.number(picture(score.id, score.method, score.seed)), score.id)
      #expect(Set(score.values.keys) == Set(expected.keys))
      for (key, value) in expected {
        #expect(abs((score.values[key] ?? .nan) - value) <= 1e-9, "\(score) \(key)")
      }
      #expect((score.caption == "a picture called \(score.seed)") == name.hasSuffix("blip"))
      if layout == "geneval" {
        // In the place of a bench and a dog, the bench is what the other is seen from.
        let subject = ["a-cat": "cat", "a-dog": "bench", "a-bir": "bird"][score.id.prefix(5)]
        let found = try #require(score.detections)
        #expect(found.map(\.subject) == [subject] && found[0].score == 0.5)
        #expect(found[0].box == [8, 16, 32, 64].map { $0 / 128 })
      }
    }
    #expect(result.stderr.contains("has no result for") == isCLIP)
    // The same again replaces what is there.
    let before = folder.bytes("bench/scores/\(name).jsonl")
    let again = try heed(["import", "bench", "out/" + file] + more)
    #expect(again.stdout.contains("\(scores.count) of them scored before"))
    #expect(folder.bytes("bench/scores/\(name).jsonl") == before)
  }

  @Test("A judge's table is joined by paths of the benchmark, of an export, or by runs")
  func judged() throws {
    #expect(try export("visor").status == 0)
    let run = "bench/runs/a-cat-and-a-red-car/stable-diffusion/seed-1/image.png"
    try folder.write(
      "judge.csv",
      """
      image_path,prompt,seed,Index,image_id,existence,recognizable,why,caption
      /else/where/\(run),a cat,1,7,12,0.25,yes,"a cat, no car",a cat
      /tmp/out/images/attend-and-excite/1_0.png,a dog,0,8,13,1,no,"",
      """.utf8)
    var result = try heed([
      "import", "bench", "judge.csv", "--export", "out", "--scored-by", "a judge",
    ])
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("columns that are no scores: seed, Index, image_id, why"))
    #expect(result.stdout.hasSuffix(": 2 pictures; scores: existence, recognizable\n"))
    #expect(result.stderr.contains("10 more pictures") || result.stderr.contains("more pictures"))
    let scores = try scores("judge")
    #expect(scores.map(\.id) == ["a-cat-and-a-red-car", "a-dog-left-of-a-bench"])
    #expect(scores.map(\.method) == ["stable-diffusion", "attend-and-excite"])
    #expect(scores.map(\.seed) == [1, 0] && scores.allSatisfy { $0.model == "a judge" })
    #expect(scores[0].values == ["existence": 0.25, "recognizable": 1])
    #expect(scores[1].values == ["existence": 1, "recognizable": 0])
    #expect(scores.map(\.caption) == ["a cat", nil])
    try folder.write(
      "lines.jsonl",
      #"{"id": "a-cat-and-a-red-car", "method": "stable-diffusion", "seed": 0, "score": 3, "ok": true}"#
        .utf8)
    result = try heed(["import", "bench", "lines.jsonl", "--name", "Qwen VL"])
    #expect(result.status == 0, "\(result.stderr)")
    #expect(try self.scores("Qwen VL").map(\.values) == [["score": 3, "ok": 1]])
  }

  // MARK: - What is refused

  private static let impossible: [(arguments: [String], code: Int32, words: [String])] = [
    (["attend-and-excite"], 65, ["one method", "stable-diffusion, attend-and-excite"]),
    (["t2i-compbench", "--method", "attend-and-excit"], 65, ["did you mean attend-and-excite?"]),
    (
      ["tifa", "--method", "stable-diffusion", "--metadata", "tifa"], 65,
      ["one picture a prompt", "--seeds 0"]
    ),
    (
      ["tifa", "--method", "stable-diffusion", "--seeds", "0"], 65,
      ["TIFA", "tifa_v1.0_question_answers.json", "--metadata"]
    ),
    (["geneval2", "--method", "stable-diffusion", "--seeds", "0"], 65, ["geneval2_data.jsonl"]),
    (["dsg", "--seeds", "0"], 65, ["dsg-1k-anns.csv"]),
    (["dsg", "--seeds", "0", "--metadata", "tifa"], 65, ["tifa: line 1", "\"item_id\""]),
    (
      ["tifa", "--method", "stable-diffusion", "--seeds", "0", "--metadata", "dsg"], 65,
      ["dsg: expected an array"]
    ),
    (["visor", "--metadata", "dsg"], 65, ["leave --metadata out"]),
    (["visor", "--seeds", "7"], 65, ["\"7\"", "0, 1"]),
    (["visor", "--subset", "pair"], 65, ["\"pair\"", "did you mean pairs?"]),
    (["visor", "--seeds", "x"], 64, ["--seeds is 'x'"]),
    (["coco"], 64, ["coco"]),
  ]

  @Test(
    "What a layout cannot hold is refused in one line, and nothing is left",
    arguments: impossible)
  func refusedExport(_ arguments: [String], _ code: Int32, _ words: [String]) throws {
    let before = folder.names
    expectRefusal(try export(arguments[0], Array(arguments.dropFirst())), code, words)
    #expect(folder.names == before)
  }

  /// Prompts whose names or subjects a layout has no place for.
  private static let unfit: [(suite: [String], layout: String, words: [String])] = [
    ([#"{"id": "p", "prompt": "a snake_case cat"}"#], "t2i-compbench", ["\"_\"", "p has one"]),
    ([#"{"id": "p", "prompt": "a snake_case cat"}"#], "syngen", ["\"_\"", "p has one"]),
    ([#"{"id": "p", "prompt": "a cat and/or a dog"}"#], "attend-and-excite", ["p", "a slash"]),
    ([#"{"id": "p", "prompt": "a cat and/or a dog"}"#], "t2i-compbench", ["p", "a slash"]),
    ([#"{"id": "p", "prompt": "a cat and/or a dog"}"#], "syngen", ["p", "a slash"]),
    ([#"{"id": "p", "prompt": ".."}"#], "attend-and-excite", ["p", "\"..\""]),
    (
      [#"{"id": "p", "prompt": "a cat \#(String(repeating: "and a cat ", count: 25))"}"#],
      "attend-and-excite", ["p", "longer than 255 bytes"]
    ),
    (
      [#"{"id": "p", "prompt": "a cat"}"#, #"{"id": "q", "prompt": "a cat"}"#],
      "attend-and-excite", ["p and q the same file", "a cat/0.png"]
    ),
    (
      [#"{"id": "p", "prompt": "a cat's"}"#, #"{"id": "q", "prompt": "a cat s"}"#], "syngen",
      ["p and q for the same"]
    ),
    ([#"{"id": "p", "prompt": "a cat"}"#], "geneval", ["p", "1 or 2 subjects, got 0"]),
    (
      [#"{"id": "p", "prompt": "a crown", "subjects": ["crown"]}"#], "geneval",
      ["p", "\"crown\"", "80 classes"]
    ),
    (
      [#"{"id": "p", "prompt": "a gray cat", "subjects": ["cat"], "attributes": {"cat": "gray"}}"#],
      "geneval", ["p", "\"gray\"", "its colours"]
    ),
    (
      [#"{"id": "p", "prompt": "two cats", "subset": "counting", "subjects": ["cats"]}"#],
      "geneval", ["p", "no counts", "--metadata"]
    ),
    (
      [
        #"{"id": "p", "prompt": "a cat behind a dog", "subjects": ["cat", "dog"], "relations": [["cat", "behind", "dog"]]}"#
      ], "geneval", ["p", "\"behind\"", "its places"]
    ),
    (
      [
        #"{"id": "p", "prompt": "a cat behind a dog", "subjects": ["cat", "dog"], "relations": [["cat", "behind", "dog"]]}"#
      ], "visor", ["p", "\"behind\"", "its places"]
    ),
    (
      [#"{"id": "p", "prompt": "a cat, a dog, a cow", "subjects": ["cat", "dog", "cow"]}"#],
      "visor", ["p", "1 or 2 subjects, got 3"]
    ),
  ]

  @Test("A prompt that a layout has no place for is named", arguments: unfit)
  func unfitPrompts(_ lines: [String], _ layout: String, _ words: [String]) throws {
    let folder = try TemporaryFolder()
    try folder.write("bench/suite.jsonl", (lines.joined(separator: "\n") + "\n").utf8)
    try folder.write(
      "bench/benchmark.json",
      #"{"format":1,"methods":["stable-diffusion"],"model":"m","seeds":[0],"suite":"s","titles":["SD"]}"#
        .utf8)
    for line in lines {
      let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let (id, prompt) = try (
        #require(entry?["id"] as? String), #require(entry?["prompt"] as? String)
      )
      let made = try HeedProcess.run(
        [
          "generate", prompt, "--method", "stable-diffusion", "--steps", "1", "--no-record", "-o",
          "runs/\(id)",
        ], in: folder.path)
      #expect(made.status == 0, "\(made.stderr)")
      let run = try #require(
        folder.names.first { $0.hasPrefix("runs/\(id)/") && $0.hasSuffix("/run.json") })
      let place = folder.path + "/bench/runs/\(id)/stable-diffusion"
      try FileManager.default.createDirectory(
        atPath: place, withIntermediateDirectories: true)
      try FileManager.default.moveItem(
        atPath: folder.path + "/" + run.dropLast("/run.json".count), toPath: place + "/seed-0")
    }
    let result = try HeedProcess.run(
      ["benchmark", "export", "bench", "--layout", layout, "-o", "out"], in: folder.path)
    expectRefusal(result, 65, words)
    #expect(!folder.names.contains { $0.hasPrefix("out") || $0.hasSuffix(".tmp") })
  }

  @Test("Where a file cannot be written, nothing is left")
  func fullDisk() throws {
    let before = folder.names
    let result = try HeedProcess.run(
      ["benchmark", "export", "bench", "--layout", "visor", "-o", "out"], in: folder.path,
      shell: "ulimit -f 8; exec \"$@\"")
    expectRefusal(result, 73, ["out/images", "File too large"])
    #expect(folder.names == before)
  }

  /// Changes a file of the benchmark.
  private func change(_ name: String, _ old: String, _ new: String) throws {
    let text = folder.text(name)
    try #require(text.contains(old))
    try folder.write(name, text.replacingOccurrences(of: old, with: new).utf8)
  }

  private static let run = "bench/runs/a-dog-left-of-a-bench/stable-diffusion/seed-1"

  @Test("Runs that are unfinished, not there, or of another prompt are named")
  func unfinished() throws {
    try change(Self.run + "/run.json", #""status" : "complete""#, #""status" : "running""#)
    expectRefusal(try export("visor"), 65, [Self.run, "not complete"])
    #expect(try export("visor", ["--seeds", "0"]).status == 0)
    try folder.remove("out")
    try change(Self.run + "/run.json", #""status" : "running""#, #""status" : "complete""#)
    try folder.remove(Self.run + "/image.png")
    expectRefusal(try export("visor"), 66, [Self.run + "/image.png"])
    try folder.remove(Self.run)
    expectRefusal(try export("visor"), 65, [Self.run, "no such run"])
    try change("bench/suite.jsonl", "\"a cat and a red car\"", "\"a red cat and a car\"")
    expectRefusal(try export("visor", ["--subset", "pairs"]), 65, ["\"a cat and a red car\""])
  }

  @Test("A folder that holds something is left as it is, and an empty one is filled")
  func places() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path + "/out", withIntermediateDirectories: true)
    #expect(try export("visor").status == 0)
    let before = folder.names
    expectRefusal(try export("visor"), 73, ["out", "is not empty"])
    #expect(folder.names == before)
    try folder.write("file", "x".utf8)
    expectRefusal(
      try heed(["export", "bench", "--layout", "visor", "-o", "file"]), 73, ["not a folder"])
  }

  @Test("What a link in a picture's place leads to is not exported, shown or asked about")
  func secret() throws {
    try folder.write("secret.txt", "a secret".utf8)
    let picture = Self.run + "/image.png"
    let place = folder.path + "/" + picture
    try folder.remove(picture)
    try FileManager.default.createSymbolicLink(
      atPath: place, withDestinationPath: folder.path + "/secret.txt")
    let commands = [
      ["benchmark", "export", "bench", "--layout", "visor", "-o", "out"],
      ["benchmark", "export", "bench", "--layout", "visor", "-o", "out", "--link"],
      ["benchmark", "report", "bench", "-o", "out"],
      ["study", "make", "bench", "--prompts", "1", "--seeds", "2", "-o", "out"],
    ]
    for command in commands {
      let result = try HeedProcess.run(command, in: folder.path)
      expectRefusal(result, 65, [picture, "symbolic link"])
      #expect(!folder.names.contains { $0.hasPrefix("out") })
    }
    try folder.remove(picture)
    try folder.write(picture, "a secret".utf8)
    for command in commands {
      let result = try HeedProcess.run(command, in: folder.path)
      expectRefusal(result, 65, [picture, "expected a PNG"])
    }
  }

  @Test("A link shares the picture's bytes, a copy does not")
  func linked() throws {
    func links(_ name: String) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)
      return try #require(attributes[.referenceCount] as? Int)
    }
    let picture = "bench/runs/a-cat-and-a-red-car/stable-diffusion/seed-0/image.png"
    #expect(try export("visor").status == 0)
    #expect(try links(picture) == 1)
    try folder.remove("out")
    #expect(try export("visor", ["--link"]).status == 0)
    #expect(try links(picture) == 2)
    #expect(try links("out/images/stable-diffusion/0_0.png") == 2)
  }
}
