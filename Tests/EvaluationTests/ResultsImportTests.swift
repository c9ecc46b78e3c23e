import Evaluation
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Files of results that are damaged, or of other pictures than the benchmark's.
@Suite("Results of other programs")
struct ResultsImportTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write(
      "bench/suite.jsonl",
      """
      {"id": "p1", "prompt": "a fox and an owl", "subjects": ["fox", "owl"]}
      {"id": "p2", "prompt": "a kettle and a lamp"}

      """)
    try write(
      "bench/benchmark.json",
      #"{"format":1,"methods":["one","two"],"model":"m","seeds":[0,1],"suite":"s","titles":["One","Two"]}"#
    )
  }

  private func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: folder.path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// An export of both prompts by methods; a picture's key is that of the layout.
  private func export(_ layout: String, methods: [String] = ["one"]) throws {
    var pictures: [String] = []
    for method in methods {
      for (index, id) in ["p1", "p2"].enumerated() {
        let prompt = ["a fox and an owl", "a kettle and a lamp"][index]
        let key = [
          "attend-and-excite": "\(prompt)/0.png", "geneval": "0000\(index)/samples/00000.png",
          "visor": "\(index)_0", "tifa": "demo_\(index)", "dsg": "demo_\(index)",
        ]
        let questions = ["geneval2", "dsg", "tifa"].contains(layout) ? "\"questions\":2," : ""
        pictures.append(
          """
          {"file":"images/\(method)/\(index).png","id":"\(id)","key":"\(key[layout] ?? "\(index)")",\
          "method":"\(method)",\(questions)"seed":0}
          """)
      }
    }
    try write(
      "heed-export.json",
      #"{"format":1,"layout":"\#(layout)","pictures":[\#(pictures.joined(separator: ","))],"suite":"s"}"#
    )
  }

  private func read(_ text: String, method: String? = nil) throws -> ResultsImport {
    try write("results", text)
    return try ResultsImport(
      folder.path + "/results", of: BenchmarkFolder(folder.path + "/bench"),
      ResultsImport.Source(method: method, name: "tool"))
  }

  private static let header =
    "dsg_prompt_split,qg_model,t2i_model,item_id,question,question_id,dependency_id,answer\n"

  @Test(
    "A damaged file of results is refused in one line, with its place",
    arguments: [
      ("tifa", "", ["the file is empty"]),
      ("tifa", " \n", ["expected results, got none"]),
      (
        "attend-and-excite",
        #"{"a fox and an owl": {"full_text": [0.1], "first_half": [0.1], "second_half": [0.1], "image_names": ["0.png", "1.png"]}}"#,
        [".full_text", "expected 2", "got 1"]
      ),
      (
        "attend-and-excite",
        #"{"a fox and an owl": {"full_text": [NaN], "first_half": [0.1], "second_half": [0.1], "image_names": ["0.png"]}}"#,
        [".full_text[0]", "finite"]
      ),
      (
        "attend-and-excite",
        #"{"a fox and an owl": {"full_text": [0.2], "first_half": [0.1], "image_names": ["0.png"]}}"#,
        ["\"second_half\""]
      ),
      (
        "attend-and-excite",
        #"{"a fox": {"full_text": [0.2], "first_half": [0.1], "second_half": [0.1], "image_names": ["0.png"]}}"#,
        ["expected a picture of the export", "\"a fox/0.png\""]
      ),
      (
        "attend-and-excite",
        #"{"a fox and an owl": {"captions": [], "text_similarities": [0.5], "image_names": ["0.png"]}}"#,
        [".captions", "expected 1", "got 0"]
      ),
      (
        "attend-and-excite", #"{"a fox and an owl": {"full_text": [0.2]"#,
        ["line 1", "end of the document"]
      ),
      ("t2i-compbench", "[]", ["expected results, got none"]),
      ("t2i-compbench", #"[{"question_id": 0, "answer": "a lot"}]"#, ["[0].answer", "\"a lot\""]),
      (
        "t2i-compbench", #"[{"question_id": "0", "answer": 1}]"#,
        ["[0].question_id", "expected an integer"]
      ),
      (
        "t2i-compbench", #"[{"question_id": 2, "answer": 1}]"#,
        ["[0]", "expected a picture of the export", "\"2\""]
      ),
      (
        "t2i-compbench", #"[{"question_id": 0, "answer": 1}, {"question_id": 0, "answer": 1}]"#,
        ["[1]", "once", "p1/one/seed-0 of [0] again"]
      ),
      ("t2i-compbench", #"[{"question_id": 0, "answer": 1},"#, ["byte"]),
      (
        "geneval", #"{"filename": "0.png", "correct": true, "details": "{}"}"#,
        ["line 1.filename", "samples"]
      ),
      (
        "geneval", #"{"filename": "x/00000/samples/00000.png", "correct": 1, "details": "{}"}"#,
        ["line 1.correct", "true or false"]
      ),
      (
        "geneval", #"{"filename": "x/00000/samples/00000.png", "correct": true, "details": "{"}"#,
        ["line 1.details", "as JSON"]
      ),
      (
        "geneval",
        #"{"filename": "x/00000/samples/00000.png", "correct": true, "details": "{\"fox\": [[1, 2]]}"}"#,
        ["line 1.details.fox[0]", "got 2"]
      ),
      (
        "geneval",
        "{\"filename\": \"x/00007/samples/00000.png\", \"correct\": true, \"details\": \"{}\"}\n{",
        ["line 2", "end of the document"]
      ),
      ("geneval2", "[[0.5, 0.5], [0.5, 1.5]]", ["[1][1]", "0 to 1", "1.5"]),
      ("geneval2", "[[0.5, 0.5], [0.5, 0.5, 0.5]]", ["[1]", "each of 2 questions", "got 3"]),
      (
        "geneval2", "[[0.5, 0.5], [0.5, 0.5], [1, 1]]", ["[2]", "expected a picture of the export"]
      ),
      ("geneval2", "[0.5, 0.5]", ["[0]", "expected an array"]),
      ("visor", #"{"0_0": {"recall": 3, "sra": 0}}"#, [".0_0.recall", "0 to 2"]),
      ("visor", #"{"0_1": {"recall": 1, "sra": 0}}"#, ["\"0_1\""]),
      ("visor", #"{"0_0": {"sra": 0}}"#, [".0_0", "\"recall\""]),
      ("tifa", #"{"tifa_average": 1, "question_details": {}}"#, ["\"caption_scores\""]),
      (
        "tifa", #"{"caption_scores": {"demo_0": "good"}}"#,
        [".caption_scores.demo_0", "expected a number"]
      ),
      ("tifa", #"{"caption_scores": {"demo_8": 1}}"#, ["\"demo_8\""]),
      ("dsg", header + "d,dsg,one,demo_0,q,1,0,maybe\n", ["line 2", "yes or no", "\"maybe\""]),
      ("dsg", header + "d,dsg,one,demo_0,q,1,0,yes\n", ["line 2", "each of 2 questions", "got 1"]),
      (
        "dsg", header + "d,dsg,one,demo_0,q,1,0,yes\nd,dsg,one,demo_0,q,1,0,yes\n",
        ["line 3", "question 1 of demo_0 again"]
      ),
      (
        "dsg", header + "d,dsg,one,demo_0,q,1,0,yes\nd,dsg,one,demo_0,q,2,7,yes\n",
        ["line 3", "question 7"]
      ),
      ("dsg", header + "d,dsg,one,demo_0,q,0,0,yes\n", ["line 2", "number from 1"]),
      (
        "dsg", header + "d,dsg,three,demo_0,q,1,0,yes\nd,dsg,three,demo_0,q,2,0,yes",
        ["\"demo_0 of three\""]
      ),
      ("dsg", header + "d,dsg,one\n", ["line 2", "expected 8 fields", "got 3"]),
      ("dsg", header + "d,dsg,one,demo_0,\"q,1,0,yes\n", ["line 2", "closing quote"]),
      (
        "geneval", #"{"caption_scores": {"demo_0": 1}, "question_details": {}}"#,
        ["expected results of GenEval", "TIFA"]
      ),
      ("tifa", "image_path,score\nimages/one/0.png,good\n", ["line 2", "expected a score"]),
      (
        "tifa", "image_path,score\nimages/one/0.png,1\nimages/one/1.png,2\nimages/one/1.png,good\n",
        ["line 4.score", "\"good\""]
      ),
      ("tifa", "image_path,score\nimages/three/0.png,1\n", ["line 2", "\"images/three/0.png\""]),
      ("tifa", "picture_name,score\nx,1\n", ["line 2", "image_path"]),
      ("tifa", "id,method,seed,score\np1,one,-1,1\n", ["line 2", "expected a seed"]),
      ("tifa", "id,method,seed,score\n../p1,one,0,1\n", ["line 2", "\"../p1/one/seed-0\""]),
      ("tifa", "image,image\nx,1\n", ["line 1", "each column once"]),
    ])
  func refused(_ layout: String, _ text: String, _ words: [String]) throws {
    try export(layout)
    let error = try #require(throws: FileError.self) { try read(text) }
    let line = "\(error)"
    #expect(line.hasPrefix(folder.path + "/results: ") && !line.contains("\n"))
    for word in words { #expect(line.contains(word), "\(line)") }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/bench/scores"))
  }

  @Test("Results that fit several methods ask which, and one is taken by its name")
  func several() throws {
    try export("visor", methods: ["one", "two"])
    let text = #"{"0_0": {"recall": 2, "sra": 1}}"#
    let error = try #require(throws: FileError.self) { try read(text) }
    #expect("\(error)".contains("(one, two) by --method"))
    let results = try read(text, method: "two")
    #expect(results.scores.map(\.method) == ["two"])
    #expect(results.missing == ["p2/two/seed-0"])
    let other = try #require(throws: EvaluationError.self) { try read(text, method: "tow") }
    #expect("\(other)".contains("did you mean two?"))
  }

  @Test("VISOR's means are over pictures of two objects in a relation alone, as in its script")
  func visor() throws {
    try write(
      "bench/suite.jsonl",
      """
      {"id": "p1", "prompt": "a fox above an owl", "subjects": ["fox", "owl"], "relations": [["fox", "above", "owl"]]}
      {"id": "p2", "prompt": "a fox and an owl", "subjects": ["fox", "owl"]}
      {"id": "p3", "prompt": "a fox", "subjects": ["fox"]}

      """)
    let pictures = (0..<3).flatMap { index in
      (0..<2).map { seed in
        #"{"file":"\#(index)_\#(seed).png","id":"p\#(index + 1)","key":"\#(index)_\#(seed)","method":"one","seed":\#(seed)}"#
      }
    }
    try write(
      "heed-export.json",
      #"{"format":1,"layout":"visor","pictures":[\#(pictures.joined(separator: ","))],"suite":"s"}"#
    )
    let results = try read(
      """
      {"0_0": {"recall": 2, "sra": 1}, "0_1": {"recall": 1, "sra": 0}, "1_0": {"recall": 2, "sra": 0},
       "2_0": {"recall": 1, "sra": 0}}
      """)
    #expect(
      results.scores.map(\.values) == [
        ["recall": 2, "oa": 1, "sra": 1, "uncond": 1, "cond": 1],
        ["recall": 1, "oa": 0, "sra": 0, "uncond": 0], ["recall": 2], ["recall": 1],
      ])
    let error = try #require(throws: FileError.self) {
      try read(#"{"2_0": {"recall": 2, "sra": 0}}"#)
    }
    #expect("\(error)".contains(".2_0: expected at most 1 found, the objects of p3, got 2"))
  }

  @Test("Exports that are damaged, of another benchmark, or not there are named")
  func exports() throws {
    let text = #"{"caption_scores": {"demo_0": 1}}"#
    var error = try #require(throws: FileError.self) { try read(text) }
    #expect(error.kind == .missing && "\(error)".contains("--export"))
    try write("heed-export.json", "{")
    error = try #require(throws: FileError.self) { try read(text) }
    #expect("\(error)".contains("heed-export.json: expected"))
    try write("heed-export.json", #"{"format":1,"layout":"tifa"}"#)
    error = try #require(throws: FileError.self) { try read(text) }
    #expect("\(error)".contains("got other JSON"))
    try write("heed-export.json", #"{"format":2,"layout":"tifa","pictures":[],"suite":"s"}"#)
    error = try #require(throws: FileError.self) { try read(text) }
    #expect("\(error)".contains("format: expected 1, got 2"))
    try write("heed-export.json", #"{"format":1,"layout":"coco","pictures":[],"suite":"s"}"#)
    error = try #require(throws: FileError.self) { try read(text) }
    #expect("\(error)".contains("layout: expected one of") && "\(error)".contains("\"coco\""))
    try export("tifa", methods: ["three"])
    let other = try #require(throws: EvaluationError.self) { try read(text) }
    #expect("\(other)".contains("p1/three/seed-0") && "\(other)".contains("another benchmark"))
  }

  @Test(
    "A scorer's name that is a path, or Heed's own, is refused",
    arguments: ["../x", "a/b", "", ".x", "clip", "owl"])
  func names(_ name: String) throws {
    try export("tifa")
    try write("results", #"{"caption_scores": {"demo_0": 1}}"#)
    #expect(throws: FileError.self) {
      try ResultsImport(
        folder.path + "/results", of: BenchmarkFolder(folder.path + "/bench"),
        ResultsImport.Source(name: name))
    }
  }

  @Test("New results stand in the places of old ones, and those of other pictures stay")
  func replaced() throws {
    try export("tifa")
    _ = try read(#"{"caption_scores": {"demo_0": 0.25, "demo_1": 0.5}}"#).write()
    let outcome = try read(#"{"caption_scores": {"demo_0": 0.75}}"#).write()
    #expect(outcome.pictures == 1 && outcome.replaced == 1)
    let scores = try ScoreFile.all(in: folder.path + "/bench/scores")
    #expect(scores.map(\.id) == ["p2", "p1"])
    #expect(scores.map { $0.values["score"] } == [0.5, 0.75])
  }
}
