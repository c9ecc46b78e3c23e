import Evaluation
import Foundation
import TestSupport
import Testing

/// Defaults of options from the environment and from `heed.yaml`.
@Suite("Defaults")
struct DefaultsTests {
  private static let generate = ["generate", "a cat and a frog"]

  /// No file of the user who runs the tests is read.
  private func run(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(
      arguments, in: folder.path,
      environment: ["XDG_CONFIG_HOME": folder.path + "/user"].merging(environment) { $1 })
  }

  @Test("A default acts as if the option had been given, and a line says so")
  func asIfGiven() throws {
    let folder = try TemporaryFolder()
    let options = [
      "--steps=2", "--seeds=3", "--negative-prompt", "", "--no-smooth", "--scale-range=1,0.5",
      "--tokens=cat,frog", "--guidance-scale=6.5",
    ]
    #expect(try run(Self.generate + options + ["-o", "given"], in: folder).status == 0)
    try folder.write(
      "heed.yaml",
      """
      steps: 2
      tokens: [cat, frog]
      guidance-scale: 6.5
      sheet: {for: cvpr}
      generate:
        seeds: 3
        negative-prompt: ""
        smooth: false
        scale-range: 1,0.5
      """.utf8)
    let result = try run(Self.generate + ["-o", "defaults"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(
      result.messages.first
        == "heed: defaults: --tokens=cat,frog (heed.yaml), --steps=2 (heed.yaml), "
        + "--guidance-scale=6.5 (heed.yaml), --negative-prompt  (heed.yaml), "
        + "--no-smooth (heed.yaml), --scale-range=1,0.5 (heed.yaml), --seeds=3 (heed.yaml)"
        || result.messages.first?.contains("--seeds=3 (heed.yaml)") == true, "\(result.stderr)")
    func request(_ root: String) throws -> NSDictionary {
      let run = "/a-cat-and-a-frog/attend-and-excite/seed-3/run.json"
      let data = Data(folder.bytes(root + run))
      let manifest = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      return try #require(manifest?["request"] as? NSDictionary)
    }
    #expect(try request("defaults") == request("given"))
    // What is given comes first, and a shorter name is the same option.
    let own = try run(Self.generate + ["--steps", "1", "-o", "own"], in: folder)
    #expect(own.status == 0 && !own.stderr.contains("--steps"))
    #expect(own.stderr.contains(": 1 step in"))
  }

  @Test("The environment comes before the folder, the folder before the user, a section before all")
  func precedence() throws {
    let folder = try TemporaryFolder()
    try folder.write("heed.yaml", "steps: 20\nseeds: 5\ngenerate: {seeds: 6}\n".utf8)
    try folder.write("user/heed/heed.yaml", "steps: 30\nbatch: 2\njson: true\n".utf8)
    let result = try run(
      ["config", "generate", "--json"], in: folder,
      environment: ["HEED_STEPS": "10", "HEED_GUIDANCE_SCALE": "3"])
    #expect(result.status == 0, "\(result.stderr)")
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [[String: String]])
    func shown(_ option: String) -> [String?] {
      let row = rows.first { $0["option"] == option }
      return [row?["value"], row?["origin"]]
    }
    #expect(shown("steps") == ["10", "HEED_STEPS"])
    #expect(shown("guidance-scale") == ["3", "HEED_GUIDANCE_SCALE"])
    #expect(shown("seeds") == ["6", "heed.yaml"])
    #expect(shown("batch") == ["2", folder.path + "/user/heed/heed.yaml"])
    #expect(shown("method") == ["attend-and-excite", "built in"])
    let set = try run(["config"], in: folder)
    #expect(set.status == 0 && !set.stdout.contains("built in"))
    #expect(!set.stdout.contains("sweep") && !set.stdout.contains("causal"), "\(set.stdout)")
    #expect(set.stdout.contains(/compare +steps +20 +heed.yaml/))
  }

  @Test("A name that commands mean differently stands for the first of them")
  func meanings() throws {
    let folder = try TemporaryFolder()
    try folder.write("heed.yaml", "steps: 7\noutput: made\n".utf8)
    let shown = try run(["config"], in: folder).stdout
    let lines = shown.split(separator: "\n").dropFirst().map {
      $0.split(separator: " ").map(String.init)
    }
    #expect(Set(lines.filter { $0[1] == "steps" }.map { $0[0] }) == ["compare", "generate"])
    #expect(
      Set(lines.filter { $0[1] == "output" }.map { $0[0] })
        == ["compare", "generate", "explain", "import"])
  }

  @Test("Runs that repeat others read no defaults")
  func replays() throws {
    let folder = try TemporaryFolder()
    let sweep = ["sweep", "a cat and a frog", "--vary", "step-size=5", "--dry-run"]
    let plain = try run(sweep, in: folder)
    try folder.write("heed.yaml", "steps: 4\n".utf8)
    let result = try run(sweep, in: folder, environment: ["HEED_SEEDS": "0..99"])
    #expect(result.status == 0 && !result.stderr.contains("defaults"))
    #expect(
      result.stdout.split(separator: "\n").prefix(3)
        == plain.stdout.split(separator: "\n").prefix(3))
    try folder.write("heed.yaml", "sweep: {steps: 4}\n".utf8)
    expectRefusal(try run(["model"], in: folder), 65, ["heed.yaml", "sweep", "no defaults"])
  }

  @Test("A layout file's own values stay")
  func layoutFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("heed.yaml", "sheet: {overlay: side, for: cvpr}\n".utf8)
    let printed = try run(["sheet", "--layout", "steps", "--print-layout"], in: folder)
    #expect(printed.stderr.contains("--overlay=side") && printed.stdout.contains("overlay: side"))
    let own = printed.stdout.replacing("overlay: side", with: "overlay: cells")
    try folder.write("own.yaml", own.utf8)
    let read = try run(["sheet", "--layout", "own.yaml", "--print-layout"], in: folder)
    #expect(read.stdout.contains("overlay: cells"), "\(read.stdout)\(read.stderr)")
    #expect(!read.stderr.contains("--overlay") && read.stderr.contains("--for=cvpr"))
  }

  @Test(
    "A wrong key or value is refused with what was meant",
    arguments: [
      ("stesp: 4", ["heed.yaml", "\"stesp\" is no option", "did you mean steps?"]),
      ("compaer: {steps: 4}", ["\"compaer\" is no command", "did you mean compare?"]),
      ("generate: {sedes: 4}", [".generate", "\"sedes\" is no option of heed generate", "seeds"]),
      ("generate: {vary: a=b}", ["\"vary\" is no option of heed generate"]),
      ("json: maybe", ["json", "expected true or false"]), ("steps: [1, {a: 2}]", ["steps"]),
      ("- a", ["mapping"]), ("steps: 'x", ["heed.yaml"]),
    ])
  func wrong(_ example: (text: String, words: [String])) throws {
    let folder = try TemporaryFolder()
    try folder.write("heed.yaml", example.text.utf8)
    expectRefusal(try run(["model"], in: folder), 65, example.words)
  }

  @Test("A file's wrong value is refused as one on the command line is")
  func wrongValue() throws {
    let folder = try TemporaryFolder()
    try folder.write("heed.yaml", "rng: dice\n".utf8)
    let result = try run(Self.generate, in: folder)
    #expect(result.status == 64)
    #expect(
      result.messages.last?.contains("--rng is 'dice'; expected torch, torch-cuda or numpy") == true
    )
  }

  @Test(
    "The nearest name is the one that was meant",
    arguments: [
      ("compre", "compare"), ("comprae", "compare"), ("genrate", "generate"), ("exprot", "export"),
      ("sheets", "sheet"), ("an", "analyze"), ("list", nil), ("qqq", nil),
    ] as [(String, String?)])
  func nearest(_ example: (name: String, meant: String?)) {
    let commands = [
      "compare", "generate", "sweep", "explain", "sheet", "report", "export", "analyze",
    ]
    #expect(Suggestion.nearest(to: example.name, among: commands) == example.meant)
  }
}
