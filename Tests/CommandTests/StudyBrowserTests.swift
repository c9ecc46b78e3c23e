import Foundation
import TestSupport
import Testing

/// The questionnaire of `heed study make` as people fill it in.
@Suite(
  "heed study in a browser",
  .enabled(if: HeadlessBrowser.isInstalled, "make test installs chromium"))
struct StudyBrowserTests {
  /// What is shown: `question code, set codes in their order, chosen code or -`, told by prompt and pictures.
  private static let shown = """
    (() => {
      const data = JSON.parse(document.getElementById("data").textContent);
      const prompt = document.querySelector("#prompt bdi").textContent;
      const question = data.questions.find((one) => one.prompt === prompt);
      const sets = [...document.querySelectorAll("#sets .set")].map((element) => {
        const pictures = [...element.querySelectorAll("img")].map((image) => image.src).join();
        return [question.sets.find((set) => set.pictures.join() === pictures).code,
          element.querySelector("input").checked];
      });
      return [question.code, ...sets.map((set) => set[0]),
        sets.find((set) => set[1])?.[0] ?? "-"].join(" ");
    })()
    """
  private static let overflow = "document.documentElement.scrollWidth - innerWidth"
  private static let progress = "document.getElementById('progress-text').textContent"
  private static let focused = "document.activeElement.id || document.activeElement.type"

  private func page(
    _ bench: StudyBench, _ arguments: [String] = ["--prompts", "2", "--seeds", "2"]
  ) throws -> String {
    let made = try HeedProcess.run(
      ["study", "make", "bench"] + arguments, in: bench.folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    try bench.folder.write("down/note", [])
    return "file://\(bench.folder.path)/study.html"
  }

  private func expectQuiet(
    _ outcome: HeadlessBrowser.Outcome, _ page: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.problems.isEmpty, "\(outcome.problems)", sourceLocation: sourceLocation)
    #expect(
      outcome.requests.allSatisfy {
        $0 == page || $0.hasPrefix("data:") || $0.hasPrefix("blob:")
      }, "\(outcome.requests)", sourceLocation: sourceLocation)
  }

  /// The one file that the page saved.
  private func saved(_ bench: StudyBench) throws -> String {
    let names = bench.folder.names.filter { $0.hasPrefix("down/answers-") }
    #expect(names.count == 1, "\(names)")
    return try #require(names.first)
  }

  @Test("On a phone's width by keys alone, in two sittings, the file holds what was chosen")
  func keyboard() throws {
    let bench = try StudyBench()
    let page = try page(bench)
    let facts = "[\(Self.overflow), \(Self.progress)].join(' ')"
    var commands: [[String: Any]] = [
      ["downloads": bench.folder.path + "/down"], ["size": [340, 640]], ["open": page],
      ["evaluate": "[\(Self.overflow), document.getElementById('count').textContent].join(' ')"],
      ["key": "Tab"], ["evaluate": Self.focused], ["key": " "],
      // Going on needs a choice.
      ["key": "Enter"], ["evaluate": "document.getElementById('alert').textContent"],
    ]
    // By number, by arrow from there, and by Tab and arrows.
    commands += [["key": "3"], ["evaluate": Self.shown], ["evaluate": facts], ["key": "Enter"]]
    commands += [["key": "1"], ["key": "ArrowDown"], ["evaluate": Self.shown], ["key": "Enter"]]
    commands += [
      // Another sitting.
      ["open": page], ["evaluate": "document.getElementById('kept').textContent"],
      ["key": "Tab"], ["key": " "], ["key": "Tab"], ["key": " "], ["evaluate": Self.shown],
      ["key": "Enter"], ["key": "2"], ["evaluate": Self.shown], ["evaluate": facts],
      ["key": "Enter"], ["evaluate": facts], ["key": "Tab"], ["evaluate": Self.focused],
      ["key": " "], ["downloaded": ".json"],
      ["evaluate": "document.getElementById('text').value"],
      ["evaluate": "String(document.getElementById('again').hidden)"],
    ]
    let outcome = try HeadlessBrowser.run(commands)
    expectQuiet(outcome, page)
    let texts = outcome.texts
    #expect(texts[0] == "0 4 questions" && texts[1] == "begin")
    #expect(texts[2] == "Choose a set first.")
    #expect(texts[4] == "0 1 of 4 answered" && texts[6].contains("answered 2 of 4"))
    #expect(texts[9] == "0 4 of 4 answered" && texts[10] == "0 4 of 4 answered")
    #expect(texts[11] == "save" && texts[13] == "false")

    let file = try saved(bench)
    #expect(bench.folder.text(file) == texts[12])
    let answers = try #require(try bench.object(file)["answers"] as? [[String: Any]])
    let lines = answers.map { answer in
      ([answer["question"] as? String ?? ""] + (answer["order"] as? [String] ?? [])
        + [answer["choice"] as? String ?? ""]).joined(separator: " ")
    }
    #expect(lines == [texts[3], texts[5], texts[7], texts[8]])
    for (line, place) in zip(lines, [2, 1, 0, 1]) {
      let parts = line.split(separator: " ")
      #expect(parts.count == 5 && parts[4] == parts[1 + place], "\(line)")
    }
    try expectTally(bench, file)
  }

  /// Expects that a file's choices are counted under the methods that the key names.
  private func expectTally(_ bench: StudyBench, _ file: String) throws {
    let tally = try bench.study("tally", file, "--json")
    #expect(tally.status == 0, "\(tally.stderr)")
    let counted = try JSONSerialization.jsonObject(with: Data(tally.stdout.utf8))
    let prompts = try #require((counted as? [String: Any])?["prompts"] as? [[String: Any]])
    let answers = try #require(try bench.object(file)["answers"] as? [[String: Any]])
    for question in try bench.questions() {
      let answer = answers.first { $0["question"] as? String == question.code }
      let method = question.sets.first { $0.code == answer?["choice"] as? String }?.method
      let votes = prompts.first { $0["id"] as? String == question.id }?["votes"] as? [String: Int]
      #expect(votes?.filter { $0.value > 0 } == [try #require(method): 1])
    }
  }

  @Test("Respondents get orders of their own, and the next one on the same device starts anew")
  func several() throws {
    let bench = try StudyBench(prompts: Array(StudyBench.prompts.prefix(2)))
    let page = try page(bench)
    let click = { (id: String) in ["click": "#" + id] }
    let fill: [[String: Any]] = [
      click("begin"), ["evaluate": Self.shown], ["click": "#sets .set:nth-child(2)"],
      click("next"), ["click": "#sets .set:nth-child(1) img"], click("back"),
      ["evaluate": Self.shown], click("next"), ["evaluate": Self.shown], click("next"),
      click("save"), ["downloaded": ".json"],
    ]
    let rounds = 6
    let outcome = try HeadlessBrowser.run(
      [["downloads": bench.folder.path + "/down"], ["size": [1280, 900]], ["open": page]]
        + (0..<rounds).flatMap { _ in fill + [click("again")] }
        + [["evaluate": "document.getElementById('begin').textContent"]])
    expectQuiet(outcome, page)
    let texts = outcome.texts
    #expect(texts.last == "Begin")
    let firsts = (0..<rounds).map { texts[3 * $0] }
    #expect(firsts.allSatisfy { $0.hasSuffix(" -") } && Set(firsts).count > 1, "\(firsts)")
    for round in 0..<rounds {
      let first = texts[3 * round + 1].split(separator: " ")
      let second = texts[3 * round + 2].split(separator: " ")
      #expect(first[4] == first[2] && second[4] == second[1] && first[0] != second[0])
    }
    let files = bench.folder.names.filter { $0.hasPrefix("down/answers-") }
    #expect(files.count == rounds)
    let tally = try HeedProcess.run(["study", "tally"] + files, in: bench.folder.path)
    #expect(tally.status == 0 && tally.stdout.contains("\(rounds) respondents"))
  }

  @Test("What a browser kept, damaged, is left alone; where it keeps nothing, the page says so")
  func memory() throws {
    let bench = try StudyBench(prompts: Array(StudyBench.prompts.prefix(2)))
    let page = try page(bench, ["--prompts", "2", "--seeds", "1"])
    let kept = "document.getElementById('kept').textContent"
    let junk = [
      "null", "[]", "\\\"x\\\"", "{", "{\\\"respondent\\\": \\\"<b>\\\", \\\"seed\\\": 1}",
      "{\\\"respondent\\\": \\\"0123456789abcdef\\\", \\\"seed\\\": 0, \\\"choices\\\": {}}",
      "{\\\"respondent\\\": \\\"0123456789abcdef\\\", \\\"seed\\\": 1, \\\"choices\\\": "
        + "{\\\"__proto__\\\": 1, \\\"constructor\\\": \\\"x\\\"}}",
    ]
    let outcome = try HeadlessBrowser.run(
      [["open": page]]
        + junk.flatMap { text in
          [
            ["evaluate": "void localStorage.setItem(Object.keys(localStorage)[0], \"\(text)\")"],
            ["open": page], ["evaluate": kept],
          ]
        })
    expectQuiet(outcome, page)
    #expect(outcome.texts.count == junk.count)
    #expect(outcome.texts.allSatisfy { $0.hasPrefix("You may close the page") }, "\(outcome.texts)")
    // A page without an origin may keep nothing.
    let whole = Data(bench.folder.bytes("study.html")).base64EncodedString()
    let without = try HeadlessBrowser.run([
      ["open": "data:text/html;base64," + whole], ["evaluate": kept], ["click": "#begin"],
      ["click": "#sets .set"], ["evaluate": Self.progress],
    ])
    #expect(without.texts[0].hasPrefix("This browser keeps nothing"))
    #expect(without.texts[1] == "1 of 2 answered" && without.problems.isEmpty)
  }

  @Test("A hostile prompt is shown as what it says, and nothing of it runs")
  func hostilePrompt() throws {
    let prompts = [
      "</script><img src=x onerror=alert(1)> a cat & \"a frog\" 猫 {{data}} <b>\u{202E}",
      "a cat and a frog' \"onload=alert(2) <!--<script>",
    ]
    let bench = try StudyBench(
      prompts: prompts.map { ($0, "<i>subset</i>") }, ["--tokens", "cat,frog"])
    let page = try page(bench, ["--prompts", "2", "--seeds", "1"])
    let read = """
      [document.querySelector("#prompt bdi").textContent,
       document.querySelectorAll("img[src=x], b, i, script").length, \(Self.overflow)].join("\\n")
      """
    let outcome = try HeadlessBrowser.run([
      ["downloads": bench.folder.path + "/down"], ["size": [340, 640]], ["dark": true],
      ["open": page], ["click": "#begin"], ["evaluate": read], ["click": "#sets .set"],
      ["click": "#next"], ["evaluate": read], ["click": "#sets .set"], ["click": "#next"],
      ["click": "#save"], ["downloaded": ".json"],
    ])
    expectQuiet(outcome, page)
    let parts = outcome.texts.map { $0.components(separatedBy: "\n") }
    #expect(Set(parts.map { $0[0] }) == Set(prompts))
    #expect(parts.allSatisfy { $0[1...] == ["2", "0"] }, "\(parts)")
    try expectTally(bench, try saved(bench))
    let tally = try bench.study("tally", try saved(bench))
    #expect(tally.status == 0 && tally.stdout.contains("all prompts"))
  }

  @Test("Without JavaScript the page says what it needs")
  func noScript() throws {
    let bench = try StudyBench(prompts: Array(StudyBench.prompts.prefix(2)))
    let page = try page(bench)
    let read = """
      [document.querySelector("noscript")?.textContent.includes("needs JavaScript"),
       document.getElementById("start").checkVisibility()].join(" ")
      """
    let outcome = try HeadlessBrowser.run([
      ["script": false], ["open": page], ["evaluate": read],
    ])
    #expect(outcome.texts == ["true false"] && outcome.problems.isEmpty)
  }
}
