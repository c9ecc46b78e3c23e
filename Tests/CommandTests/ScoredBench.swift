import Foundation
import TestSupport
import Testing

/// A benchmark whose scores are formulas, with or without the runs that they would be of.
struct ScoredBench {
  /// A prompt of the suite.
  struct Prompt {
    var id: String
    var prompt: String
    var subset: String?
  }

  static let prompts = [
    Prompt(id: "p1", prompt: "a cat and a frog", subset: "animals"),
    Prompt(id: "p2", prompt: "a dog and a bird", subset: "animals"),
    Prompt(id: "p3", prompt: "a red car and a sheep", subset: "mixed"),
    Prompt(id: "p4", prompt: "a cat and a green clock", subset: "mixed"),
  ]

  let folder: TemporaryFolder
  let prompts: [Prompt]
  let methods: [(name: String, title: String)]
  let seeds: [Int]

  /// A folder `bench` with suite, record and scores.
  init(
    prompts: [Prompt] = Self.prompts,
    methods: [(name: String, title: String)] = [
      ("stable-diffusion", "Stable Diffusion"), ("attend-and-excite", "Attend-and-Excite"),
    ], seeds: [Int] = [0, 1]
  ) throws {
    folder = try TemporaryFolder()
    (self.prompts, self.methods, self.seeds) = (prompts, methods, seeds)
    try writeSuite("bench/suite.jsonl")
    try write(
      "bench/benchmark.json",
      [
        [
          "format": 1, "suite": "suite", "model": "Menagerie", "methods": methods.map(\.name),
          "titles": methods.map(\.title), "seeds": seeds,
        ] as [String: Any]
      ])
    try writeScores()
  }

  /// The score of a picture: a formula without ties.
  func score(_ name: String, _ prompt: Int, _ method: Int, _ seed: Int) -> Double {
    let place = Double(((prompt * 7 + method * 3 + seed) * 11) % 29) / 290
    return (name == "full" ? 0.25 : 0.2) + 0.01 * Double(method) + place
  }

  private func writeScores() throws {
    var lines: [[String: Any]] = []
    for (prompt, one) in prompts.enumerated() {
      for (method, name) in methods.map(\.name).enumerated() {
        for seed in seeds {
          lines.append([
            "scorer": "clip", "model": "test", "id": one.id, "method": name, "seed": seed,
            "values": [
              "full": score("full", prompt, method, seed),
              "minimum": score("minimum", prompt, method, seed),
            ],
          ])
        }
      }
    }
    try write("bench/scores/clip.jsonl", lines)
  }

  /// Writes the suite to a file.
  func writeSuite(_ name: String) throws {
    try write(
      name,
      prompts.map { prompt in
        var line: [String: Any] = ["id": prompt.id, "prompt": prompt.prompt]
        line["subset"] = prompt.subset
        return line
      })
  }

  /// Writes objects, a line each.
  func write(_ name: String, _ lines: [[String: Any]]) throws {
    let texts = try lines.map { line in
      let data = try JSONSerialization.data(
        withJSONObject: line, options: [.sortedKeys, .withoutEscapingSlashes])
      return String(decoding: data, as: UTF8.self) + "\n"
    }
    try folder.write(name, texts.joined().utf8)
  }

  /// Makes the runs, in two steps each, in the place of what the folder says of them.
  func makeRuns(_ arguments: [String] = []) throws {
    try writeSuite("suite.jsonl")
    for name in ["bench/suite.jsonl", "bench/benchmark.json"] {
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
    }
    let made = try heed(
      [
        "benchmark", "run", "--suite", "suite.jsonl", "--methods",
        methods.map(\.name).filter { !$0.contains("+") }.joined(separator: ","), "--seeds",
        seeds.map(String.init).joined(separator: ","), "--steps", "2", "-o", "bench",
      ] + arguments)
    #expect(made.status == 0, "\(made.stderr)")
  }

  /// Runs `heed` in the folder.
  func heed(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  /// Runs `heed benchmark` in the folder.
  func benchmark(_ arguments: String...) throws -> HeedProcess.Result {
    try heed(["benchmark"] + arguments)
  }

  /// What Python prints for a program, with the folder as the place that it runs in.
  func python(_ program: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = ["-c", program]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self)
  }
}
