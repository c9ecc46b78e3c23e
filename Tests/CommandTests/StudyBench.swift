import Foundation
import TestSupport
import Testing

/// A small benchmark, made in two steps a picture, and a study of it.
struct StudyBench {
  static let methods = ["stable-diffusion", "attend-and-excite", "composable"]
  /// Prompts with their subsets.
  static let prompts = [
    ("a cat and a frog", "animals"), ("a dog and a bird", "animals"),
    ("a red car and a sheep", "mixed"), ("a cat and a green clock", "mixed"),
  ]

  let folder: TemporaryFolder

  /// Makes the pictures of seeds 0 and 1, and the suite's file.
  init(prompts: [(prompt: String, subset: String?)] = Self.prompts, _ arguments: [String] = [])
    throws
  {
    folder = try TemporaryFolder()
    try folder.write("prompts.txt", (prompts.map(\.prompt).joined(separator: "\n") + "\n").utf8)
    let runs = try HeedProcess.run(
      [
        "compare", "--from", "prompts.txt", "--methods", Self.methods.joined(separator: ","),
        "--steps", "2", "--seeds", "0,1", "-o", "bench/runs",
      ] + arguments, in: folder.path)
    #expect(runs.status == 0, "\(runs.stderr)")
    try writeSuite(prompts)
  }

  /// Writes the suite of `prompts`, each under the name of the folder that its runs are in.
  func writeSuite(_ prompts: [(prompt: String, subset: String?)]) throws {
    let lines = try prompts.map { prompt, subset in
      var line: [String: Any] = ["id": try id(of: prompt), "prompt": prompt]
      line["subset"] = subset
      return String(
        decoding: try JSONSerialization.data(
          withJSONObject: line, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }
    try folder.write("bench/suite.jsonl", (lines.joined(separator: "\n") + "\n").utf8)
  }

  /// The folder of a prompt's runs.
  func id(of prompt: String) throws -> String {
    let runs = folder.path + "/bench/runs"
    let ids = try FileManager.default.contentsOfDirectory(atPath: runs).filter { id in
      let run = "bench/runs/\(id)/stable-diffusion/seed-0/run.json"
      let manifest = try? JSONSerialization.jsonObject(with: Data(folder.bytes(run)))
      let request = (manifest as? [String: Any])?["request"] as? [String: Any]
      return request?["prompt"] as? String == prompt
    }
    return try #require(ids.first)
  }

  /// Runs `heed study` in the folder.
  func study(_ arguments: String...) throws -> HeedProcess.Result {
    try HeedProcess.run(["study"] + arguments, in: folder.path)
  }

  /// The document in a file.
  func object(_ name: String) throws -> [String: Any] {
    let document = try JSONSerialization.jsonObject(with: Data(folder.bytes(name)))
    return try #require(document as? [String: Any])
  }

  /// The questions of the key.
  func questions() throws -> [KeyQuestion] {
    try JSONDecoder().decode(Key.self, from: Data(folder.bytes("study-key.json"))).questions
  }

  /// A question as the key has it.
  struct KeyQuestion: Decodable {
    struct PictureSet: Decodable { let code, method: String }
    let code, id, prompt: String
    let subset: String?
    let seeds: [String]
    let sets: [PictureSet]

    /// The code of a method's set.
    func code(of method: String) -> String { sets.first { $0.method == method }?.code ?? "" }
  }

  private struct Key: Decodable { let questions: [KeyQuestion] }

  /// Answers in the form that the page saves.
  struct Answers: Encodable {
    struct Answer: Encodable {
      var question: String
      var order: [String]
      var choice: String
    }
    var format = "heed study answers"
    var version = 1
    var study: String
    var respondent: String
    var seed = 7
    var answers: [Answer]
    var checksum = ""

    /// With the checksum of what it holds, bit by bit by the polynomial of ISO 3309.
    var sealed: Answers {
      let lines = answers.map { "\($0.question) \($0.order.joined(separator: " ")) \($0.choice)" }
      var rest = UInt32.max
      for byte in ([study, respondent, String(seed)] + lines).joined(separator: "\n").utf8 {
        rest ^= UInt32(byte)
        for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xEDB8_8320 }
      }
      var copy = self
      copy.checksum = String(format: "%08x", ~rest)
      return copy
    }

    var json: Data { get throws { try JSONEncoder().encode(self) } }
  }

  /// The answers of a respondent who saw the sets in the key's order, turned by one more place for each
  /// question, and chose a method of each question.
  func answers(
    _ respondent: Int, _ choose: (KeyQuestion) -> String
  ) throws -> Answers {
    let study = try #require(try object("study-key.json")["study"] as? String)
    return Answers(
      study: study, respondent: String(format: "%016x", respondent),
      answers: try questions().enumerated().map { turn, question in
        let codes = question.sets.map(\.code)
        let places = codes.indices.map { ($0 + turn) % codes.count }
        return Answers.Answer(
          question: question.code, order: places.map { codes[$0] },
          choice: question.code(of: choose(question)))
      }
    ).sealed
  }

  /// Writes answers to a file.
  func write(_ name: String, _ answers: Answers) throws {
    try folder.write(name, try answers.json)
  }
}
