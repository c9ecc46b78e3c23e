import AttentionTrace
import Evaluation
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Suites that come with Heed, and suites' files in every form.
@Suite("Suites")
struct SuiteTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ text: String, _ name: String = "suite.txt") throws -> String {
    let path = folder.path + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  // MARK: - The paper's prompts

  @Test("The paper's prompts are those that its authors published, to the letter")
  func verbatim() throws {
    let suite = try Evaluation.Suite.named("attend-and-excite")
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    let list = try JSONSerialization.jsonObject(
      with: Data(
        contentsOf: URL(fileURLWithPath: path + "/Fixtures/suites/attend-and-excite.json")))
    let published = try #require(list as? [String: [String]])
    for (name, count) in [("animals", 66), ("animals_objects", 144), ("objects", 66)] {
      let subset = suite.prompts.filter { $0.subset == name.replacing("_", with: "-") }
      #expect(subset.count == count)
      #expect(subset.map(\.prompt) == published[name])
    }
    #expect(suite.prompts.count == 276 && suite.name == "attend-and-excite")
    #expect(suite.prompts.allSatisfy { $0.id == RunFolder.slug($0.prompt) })
  }

  @Test("Each of its prompts fills a template, and each pair is there once")
  func templates() throws {
    let animals =
      "cat|dog|bird|bear|lion|horse|elephant|monkey|frog|turtle|rabbit|mouse"
    let objects = "backpack|glasses|crown|suitcase|chair|balloon|bow|car|bowl|bench|clock|apple"
    let colors = "red|orange|yellow|green|blue|purple|pink|brown|gray|black|white"
    let forms = [
      ("animals", "(an?) (\(animals)) and (an?) (\(animals))"),
      ("animals-objects", "(an?) (\(animals)) (with|and) (an?) (?:(\(colors)) )?(\(objects))"),
      ("objects", "(a) (\(colors)) (\(objects)) and (a) (\(colors)) (\(objects))"),
    ]
    let suite = try Evaluation.Suite.named("attend-and-excite")
    var pairs: Set<Set<String>> = []
    for prompt in suite.prompts {
      let form = try #require(forms.first { $0.0 == prompt.subset }).1
      let match = try #require(
        try Regex(form).wholeMatch(in: prompt.prompt), "\(prompt.prompt)")
      let words = match.output.dropFirst().compactMap { $0.substring.map(String.init) }
      let colored = prompt.phrases?.map { $0.split(separator: " ").map(String.init) } ?? []
      #expect(colored.map { $0.last ?? "" } == prompt.subjects)
      #expect(prompt.subjects.allSatisfy(words.contains))
      for words in colored {
        #expect(prompt.attributes[words.last ?? ""] == (words.count == 3 ? words[1] : nil))
      }
      let joint = [" and ", " with "].map { prompt.phrases?.joined(separator: $0) }
      #expect(joint.contains(prompt.prompt))
      #expect(pairs.insert(Set(prompt.subjects)).inserted)
    }
  }

  @Test("A suite that is neither built in nor a file is named, with the one that was meant")
  func unknown() throws {
    let error = try #require(throws: FileError.self) {
      try Evaluation.Suite.find("atend-and-excite")
    }
    #expect(error.kind == .missing)
    #expect(error.description.contains("did you mean attend-and-excite?"))
  }

  // MARK: - Forms

  private static let canonical = """
    {"id": "p1", "prompt": "a bear and a red car", "subset": "animals-objects", "subjects": ["bear", "car"], \
    "attributes": {"car": "red"}, "relations": [["bear", "left of", "car"]], "phrases": ["a bear", "a red car"]}
    {"id": "a-cat", "prompt": "a cat"}
    {"id": "quoted", "prompt": "a sign that says \\"no \\\\ way\\" – ünder a tree", "subjects": ["sign", "tree"]}

    """

  @Test(
    "The same suite is the same lines, whatever file it came in",
    arguments: [
      canonical,
      "\u{FEFF}" + canonical.replacingOccurrences(of: "\n", with: "\r\n"),
      #"""
      {"relations":[["bear","left of","car"]],"attributes":{"car":"red"},"subjects":["bear","car"],
      "id":"p1","subset":"animals-objects","phrases":["a bear","a red car"],"prompt":"a bear and a red car"}
      {"prompt":"a cat","id":null,"subjects":[],"phrases":null}

      {"id":"quoted","prompt":"a sign that says \"no \u005c way\" \u2013 ünder a tree","subjects":["sign","tree"]}
      """#.replacingOccurrences(of: "],\n", with: "],"),
      #"""
      # Prompts of a small study.
      - id: p1
        prompt: a bear and a red car
        subset: animals-objects
        subjects: [bear, car]
        attributes: {car: red}
        relations: [[bear, left of, car]]
        phrases: [a bear, a red car]
      - prompt: a cat
      - {id: quoted, prompt: 'a sign that says "no \ way" – ünder a tree', subjects: [sign, tree]}
      """#,
      #"""
      name: small
      prompts:
        - {"id": "p1", "prompt": "a bear and a red car", "subset": "animals-objects", "subjects": ["bear", "car"],
           "attributes": {"car": "red"}, "relations": [["bear", "left of", "car"]],
           "phrases": ["a bear", "a red car"]}
        - prompt: a cat
        - {id: quoted, prompt: "a sign that says \"no \\ way\" – ünder a tree", subjects: [sign, tree]}
      """#,
    ])
  func forms(_ text: String) throws {
    let suite = try Evaluation.Suite(file(text))
    #expect(suite.lines == Self.canonical)
    #expect(suite.name == (text.hasPrefix("name: small") ? "small" : "suite"))
    let copy = folder.path + "/copy.jsonl"
    try suite.write(to: copy)
    #expect(try String(contentsOfFile: copy, encoding: .utf8) == Self.canonical)
    #expect(try Evaluation.Suite(copy).prompts == suite.prompts)
  }

  @Test("T2I-CompBench's lines end in any way, are cut at a tab, and may be there twice")
  func textLines() throws {
    let path = try file(
      "a teal lantern and a maroon ladder\r\nthree kites.\tkite\r\n\r\nthree kites.\tkite",
      "numeracy_val.txt")
    let suite = try Evaluation.Suite(path)
    #expect(
      suite.prompts.map(\.prompt) == [
        "a teal lantern and a maroon ladder", "three kites.", "three kites.",
      ])
    #expect(suite.prompts.allSatisfy { $0.subset == "numeracy" && $0.subjects.isEmpty })
    let id = RunFolder.slug("three kites.")
    #expect(suite.prompts.map(\.id).suffix(2) == [id, id + "-2"])
  }

  @Test("GenEval's classes become subjects as the prompt has them, with colours and places")
  func genEval() throws {
    let suite = try Evaluation.Suite(
      file(
        #"""
        {"tag": "counting", "include": [{"class": "kite", "count": 7}], "exclude": [{"class": "kite", "count": 8}], "prompt": "a photo of seven kites"}
        {"tag": "position", "include": [{"class": "oven", "count": 1}, {"class": "kite", "count": 1, "position": ["above", 0]}], "prompt": "a photo of a kite above an oven"}
        {"tag": "color_attr", "include": [{"class": "wine glass", "count": 1, "color": "teal"}, {"class": "bus", "count": 2, "color": "red"}], "prompt": "a photo of two red buses and a teal wine glass"}
        """#))
    #expect(suite.prompts.map(\.subset) == ["counting", "position", "color_attr"])
    #expect(
      suite.prompts.map(\.subjects) == [["kites"], ["kite", "oven"], ["buses", "wine glass"]])
    #expect(suite.prompts[1].relations == [SuitePrompt.Relation("kite", "above", "oven")])
    #expect(suite.prompts[2].attributes == ["wine glass": "teal", "buses": "red"])
  }

  @Test("GenEval 2's questions become subjects, attributes and places")
  func genEval2() throws {
    let suite = try Evaluation.Suite(
      file(
        #"""
        {"prompt": "two teal lanterns to the left of a ladder", "atom_count": 5, "vqa_list": [["How many lanterns are in the image?", "two"], ["Are the lanterns teal?", "Yes"], ["Are there any lanterns in the image?", "Yes"], ["Are the lanterns to the left of the ladder?", "Yes"], ["How many ladders are in the image?", "one"], ["Are there any ladders in the image?", "Yes"]], "skills": ["count","attribute","object","position","count","object"]}
        {"prompt": "a canary chasing three oxen", "atom_count": 3, "vqa_list": [["Are there any canaries in the image?", "Yes"], ["Is the canary chasing the oxen?", "Yes"], ["Are there any oxen in the image?", "Yes"]], "skills": ["object", "verb", "object"]}
        """#))
    #expect(suite.prompts.map(\.subset) == ["atoms-5", "atoms-3"])
    #expect(suite.prompts.map(\.subjects) == [["lanterns", "ladder"], ["canary", "oxen"]])
    #expect(suite.prompts[0].attributes == ["lanterns": "teal"])
    #expect(suite.prompts[0].relations == [SuitePrompt.Relation("lanterns", "left of", "ladder")])
    #expect(suite.prompts[1].relations.isEmpty)
  }

  @Test("VISOR's phrases have one object or two, and a place or none")
  func visor() throws {
    let suite = try Evaluation.Suite(
      file(
        #"""
        [{"unique_id": 0, "num_objects": 2, "obj_1_attributes": ["lantern"], "obj_2_attributes": ["violin"],
          "rel_type": "to the left of", "text": "a lantern to the left of a violin"},
         {"unique_id": 1, "num_objects": 2, "obj_1_attributes": ["lantern"], "obj_2_attributes": ["violin"],
          "rel_type": "and", "text": "a lantern and a violin"},
         {"unique_id": 2, "num_objects": 1, "obj_1_attributes": ["violin"], "obj_2_attributes": [null],
          "rel_type": "single", "text": "a violin"}]
        """#))
    #expect(suite.prompts.map(\.subset) == ["to the left of", "and", "single"])
    #expect(
      suite.prompts.map(\.subjects) == [["lantern", "violin"], ["lantern", "violin"], ["violin"]])
    #expect(
      suite.prompts.map(\.relations) == [
        [SuitePrompt.Relation("lantern", "left of", "violin")], [], [],
      ])
  }

  @Test("Lists of prompts by subset are read as the scripts split them")
  func lists() throws {
    let text =
      #"{"animals": ["a fox and an owl"], "animals_objects": ["a fox with a kettle", "a lone owl"]}"#
    for text in [text, text.replacingOccurrences(of: ", \"animals_", with: ",\n \"animals_")] {
      let suite = try Evaluation.Suite(file(text))
      #expect(suite.prompts.map(\.subset) == ["animals", "animals-objects", "animals-objects"])
      #expect(
        suite.prompts.map(\.phrases) == [["a fox", "an owl"], ["a fox", "a kettle"], nil])
    }
  }

  @Test(
    "A subject that the prompt has several times is meant where it is the noun",
    arguments: [
      ("a photo of an orange orange", "orange", "orange#2"),
      ("a bear and a bear cub", "bear", "bear#1"), ("a cat and a catfish", "cat", "cat"),
      ("two tv remotes, a TV remote", "tv remote", "tv remote"),
      ("an Orange orange orange", "orange", "orange#3"),
    ])
  func references(_ prompt: String, _ subject: String, _ reference: String) {
    let prompt = SuitePrompt(id: "p", prompt: prompt, subjects: [subject])
    #expect(prompt.references == [reference])
  }

  // MARK: - Endings

  @Test(
    "The ending of a file's name tells its form, whatever its first line begins with",
    arguments: [
      ("s.yaml", "  - prompt: a cat\n  - prompt: a dog\n"),
      ("s.yaml", "\"prompts\":\n- prompt: a cat\n- prompt: a dog\n"),
      ("s.yml", "%YAML 1.2\n---\n- prompt: a cat\n- prompt: a dog\n"),
      ("s.YAML", "\u{FEFF}prompts:\n- prompt: a cat\n- prompt: a dog\n"),
      ("s.yaml", #"{"name": "x", "prompts": [{"prompt": "a cat"}, {"prompt": "a dog"}]}"#),
      ("s.json", #"{"name": "x", "prompts": [{"prompt": "a cat"}, {"prompt": "a dog"}]}"#),
      ("s.json", "\u{FEFF}[{\"prompt\": \"a cat\"},\n {\"prompt\": \"a dog\"}]"),
      ("s.json", "{\"prompt\": \"a cat\"}\n{\"prompt\": \"a dog\"}\n"),
      ("suite", "{\"prompt\": \"a cat\"}\n{\"prompt\": \"a dog\"}\n"),
      ("suite", "- prompt: a cat\n- prompt: a dog\n"),
      ("s.txt", "a cat\na dog\n"),
    ])
  func endings(_ name: String, _ text: String) throws {
    let suite = try Evaluation.Suite(file(text, name))
    #expect(suite.prompts.map(\.prompt) == ["a cat", "a dog"])
  }

  @Test("Plain text may begin as JSON or YAML does")
  func plainBeginnings() throws {
    let prompts = ["[a red car] and [a white sheep]", "{a cat|a dog}", "- a cat", "name: a cat"]
    for prompt in prompts {
      let suite = try Evaluation.Suite(file(prompt + "\na frog\n"))
      #expect(suite.prompts.map(\.prompt) == [prompt, "a frog"])
    }
  }

  @Test(
    "What is not of the form that the ending tells is no list of prompts",
    arguments: [
      ("s.yaml", "promts:\n- prompt: a cat\n", ["\"promts\"", "did you mean prompts?"]),
      ("s.yaml", "suite: mine\nprompts:\n- prompt: a cat\n", ["among name, prompts", "\"suite\""]),
      ("s.yaml", "a cat\na dog\n", ["expected a list of prompts", "\"a cat a dog\""]),
      ("s.json", #"[{"id": "p1"}]"#, ["[0]", "expected a key \"prompt\""]),
      ("s.json", #"{"name": "x", "promts": []}"#, ["\"promts\"", "did you mean prompts?"]),
      ("s.json", #"{"all": ["a cat"]}"#, [".all[0].subset", "another name than \"all\""]),
      ("s.json", "\"a cat\"", ["expected prompts in a list or an object", "\"a cat\""]),
      ("s.json", "[{\"prompt\": \"a cat\"},\n]", ["byte 22", "expected a value"]),
      ("s.json", "{\"animals\": [\n\"a cat\",\n]}", ["byte 23", "expected a value"]),
      ("s.csv", "prompt,id\na cat,p1\n", ["\"prompt,id\"", "--suite-format (jsonl, yaml,"]),
      ("suite", "promts:\n- prompt: a cat\n", ["\"promts:\"", "a file that ends with .txt"]),
      ("s.txt", "{\"prompt\": \"a cat\"\n", ["line 1", "end of the document"]),
    ])
  func wrongEnding(_ name: String, _ text: String, _ words: [String]) throws {
    try expectRefusal(of: file(text, name), words)
  }

  private func expectRefusal(of path: String, _ words: [String]) throws {
    let error = try #require(throws: FileError.self) { try Evaluation.Suite(path) }
    let line = "\(error)"
    #expect(line.hasPrefix(path + ": ") && !line.contains("\n"))
    for word in words { #expect(line.contains(word), "\(line)") }
  }

  // MARK: - What is refused

  private static let long = String(repeating: "x", count: 201)

  @Test(
    "A bad suite is refused in one line that says where, what was expected, and what is there",
    arguments: [
      ("", ["empty"]),
      ("\n\n", ["expected prompts, got none"]),
      (#"{"id": "p1", "promt": "a cat"}"#, ["line 1", "\"promt\"", "did you mean prompt?"]),
      (
        "{\"id\": \"p\", \"prompt\": \"a cat\"}\n{\"id\": \"p\", \"prompt\": \"a dog\"}",
        ["line 2", "\"p\"", "line 1"]
      ),
      (
        "{\"prompt\": \"a cat\"}\n{\"prompt\": \"a cat\"}", ["line 2", "\"a-cat\" of line 1 again"]
      ),
      (#"{"id": "../x", "prompt": "a cat"}"#, ["line 1.id", "\"../x\"", "begins with a dot"]),
      (#"{"id": "a/b", "prompt": "a cat"}"#, ["line 1.id", "\"a/b\"", "has a slash"]),
      (#"{"id": "", "prompt": "a cat"}"#, ["line 1.id", "is empty"]),
      (#"{"id": ".hidden", "prompt": "a cat"}"#, ["line 1.id", "begins with a dot"]),
      (#"{"id": "a\u0000b", "prompt": "a cat"}"#, ["line 1.id", "cannot be seen"]),
      (#"{"id": "a\u202eb", "prompt": "a cat"}"#, ["line 1.id", "cannot be seen"]),
      (#"{"id": "\#(long)", "prompt": "a cat"}"#, ["line 1.id", "longer than 200 bytes"]),
      (#"{"id": 7, "prompt": "a cat"}"#, ["line 1.id", "expected a string, got the integer 7"]),
      (#"{"id": "p", "prompt": ""}"#, ["line 1.prompt", "empty"]),
      (#"{"id": "p", "prompt": "a\ncat"}"#, ["line 1.prompt", "control characters"]),
      (#"{"id": "p"}"#, ["line 1", "\"prompt\""]),
      (#"{"prompt": "a cat", "subset": "all"}"#, ["line 1.subset", "another name than \"all\""]),
      (#"{"prompt": "a cat", "subjects": "cat"}"#, ["line 1.subjects", "expected an array"]),
      (
        #"{"prompt": "a catfish", "subjects": ["cat"]}"#,
        ["line 1.subjects", "\"cat\"", "not in \"a catfish\""]
      ),
      (#"{"prompt": "a cat", "subjects": ["cat", "cat"]}"#, ["line 1.subjects", "twice"]),
      (
        #"{"prompt": "a cat", "subjects": ["cat"], "attributes": {"dog": "red"}}"#,
        ["line 1.attributes", "\"dog\"", "(cat)"]
      ),
      (
        #"{"prompt": "a cat", "subjects": ["cat"], "attributes": {"cat": 3}}"#,
        ["line 1.attributes.cat", "the integer 3"]
      ),
      (
        #"{"prompt": "a cat", "subjects": ["cat"], "attributes": {"cat": ""}}"#,
        ["line 1.attributes", "empty"]
      ),
      (
        #"{"prompt": "a cat", "subjects": ["cat"], "relations": [["cat", "on", "mat"]]}"#,
        ["line 1.relations", "\"mat\"", "(cat)"]
      ),
      (
        #"{"prompt": "a cat", "relations": [["cat", "on"]]}"#,
        ["line 1.relations[0]", "got 2 texts"]
      ),
      (#"{"prompt": "a cat", "prompt": "a dog"}"#, ["line 1", "duplicate key"]),
      (#"{"prompt": "a cat""#, ["line 1", "end of the document"]),
      ("{\"prompt\": \"a cat\"}\nnonsense", ["line 2", "expected a value"]),
      ("- prompt: a cat\n  subject: [cat]", ["[0]", "\"subject\"", "did you mean subjects?"]),
      ("- prompt: yes", ["[0].prompt", "expected a string, got true"]),
      ("prompts:\n  - prompt: a cat\nnames: x", ["\"names\"", "did you mean name?"]),
      ("prompts: 3", [".prompts", "expected an array"]),
      ("prompts: [", ["expected YAML"]),
      (
        #"{"tag": "x", "include": [{"class": "dog"}], "prompt": "a cat"}"#,
        ["line 1.include[0]", "\"dog\""]
      ),
      (
        #"{"tag": "x", "include": [{"class": "cat", "position": ["above", 2]}], "prompt": "a cat"}"#,
        ["line 1.include[0].position"]
      ),
      (
        #"{"prompt": "a cat", "atom_count": 1, "vqa_list": [["Are there any cats in the image?", "Yes"]], "skills": []}"#,
        ["line 1.vqa_list", "0 skills"]
      ),
      (
        #"[{"unique_id": 4, "num_objects": 1, "obj_1_attributes": ["cat"], "rel_type": "single", "text": "a cat"}]"#,
        ["[0].unique_id", "expected 0"]
      ),
      (#"{"animals": ["a cat", 3]}"#, [".animals[1]", "the integer 3"]),
    ])
  func refused(_ text: String, _ words: [String]) throws {
    let isYAML = ["-", "p"].contains(text.first)
    let isWhole = text.hasPrefix("[") || text.hasPrefix("{\"animals")
    try expectRefusal(
      of: file(text, isYAML ? "suite.yaml" : isWhole ? "suite.json" : "suite.jsonl"), words)
  }

  @Test("What is not UTF-8, no file, or too many prompts is refused")
  func hostile() throws {
    let path = folder.path + "/suite.jsonl"
    try Data(Array("{\"prompt\": \"a cat\"}\n".utf8) + [0x61, 0xFF]).write(
      to: URL(fileURLWithPath: path))
    var error = try #require(throws: FileError.self) { try Evaluation.Suite(path) }
    #expect("\(error)".contains("line 2: expected text in UTF-8"))
    error = try #require(throws: FileError.self) { try Evaluation.Suite(folder.path) }
    #expect("\(error)".contains("expected a file, got a folder"))
    error = try #require(throws: FileError.self) { try Evaluation.Suite(folder.path + "/none") }
    #expect(error.kind == .missing)
    let many = (0...100_000).map { "\($0)\n" }.joined()
    error = try #require(throws: FileError.self) {
      try Evaluation.Suite(file(many), format: .t2iCompBench)
    }
    #expect("\(error)".contains("line 100001: expected at most 100000 prompts"))
    // Of one text again and again, each with an id of its own, in no more time than any others.
    let same = try Evaluation.Suite(
      file(String(repeating: "a cat\n", count: 20_000)), format: .t2iCompBench)
    #expect(same.prompts.last?.id == "a-cat-20000" && Set(same.prompts.map(\.id)).count == 20_000)
    let wide = "{\"prompt\": \"\(String(repeating: "a ", count: 6000))\"}"
    error = try #require(throws: FileError.self) { try Evaluation.Suite(file(wide)) }
    #expect("\(error)".contains("expected at most 10000 bytes"))
  }
}
