import AttentionAnalysis
import Evaluation
import Foundation
import Pictures
import TensorEngine
import TestSupport
import Testing

/// Scores of pictures against those of `score_pictures.py`, which has them from PyTorch and transformers.
@Suite("Scores of pictures")
struct PictureScorerTests {
  /// A prompt and its picture, with what the script says of it.
  struct Task {
    let prompt: SuitePrompt
    let picture: Picture
    let clip: [String: Double]
    let owl: [String: Double]
    let detections: [SubjectDetection]
  }

  private struct Asked: Decodable {
    let id, prompt, picture: String
    let subjects: [String]
    let attributes: [String: String]
  }

  private struct Expected: Decodable {
    let clip, owl: [String: Double]
    let detections: [SubjectDetection]
  }

  /// The tasks with what a file of the script's answers says.
  static func tasks(_ answers: String) throws -> [Task] {
    let folder = Evaluators.fixtures + "/scores/"
    func lines<Line: Decodable>(_ name: String) throws -> [Line] {
      try String(contentsOfFile: folder + name, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      }
    }
    let asked: [Asked] = try lines("tasks.jsonl")
    let expected: [Expected] = try lines(answers)
    #expect(asked.count == 9 && expected.count == 9)
    return try zip(asked, expected).map { asked, expected in
      Task(
        prompt: SuitePrompt(
          id: asked.id, prompt: asked.prompt, subjects: asked.subjects,
          attributes: asked.attributes),
        picture: try Picture.read(folder + asked.picture), clip: expected.clip,
        owl: expected.owl, detections: expected.detections)
    }
  }

  /// The files of answers, and the folders that they were made with.
  static let makings: [(answers: String, clip: String?, owl: String?, threshold: Double?)] = [
    ("embedded.jsonl", nil, nil, nil),
    (
      "tiny.jsonl", Evaluators.folder("clip-gelu"), Evaluators.folder("owlv2-tiny"), 0.5
    ),
  ]

  @Test(
    "CLIP's cosines are PyTorch's, with the script's replacements and with clean ones",
    arguments: PictureScorerTests.makings.indices,
    [PromptTemplates.Replacements.official, .words])
  func clip(_ making: Int, _ replacements: PromptTemplates.Replacements) throws {
    let making = Self.makings[making]
    let scorer = try CLIPScorer(folder: making.clip, replacements: replacements)
    let prefix = replacements == .official ? "" : "clean-"
    for task in try Self.tasks(making.answers) {
      let score = try scorer.score(task.prompt, task.picture, method: "sd", seed: 7)
      #expect(
        (score.scorer, score.id, score.method, score.seed) == ("clip", task.prompt.id, "sd", 7))
      for name in ["full", "first", "second", "minimum"] {
        switch (score.values[name], task.clip[prefix + name]) {
        case (let got?, let expected?):
          #expect(abs(got - expected) <= 1e-4, "\(task.prompt.id) \(name)")
        case (nil, nil): #expect(name != "full")
        default: Issue.record("\(task.prompt.id): \(name) on one side alone")
        }
      }
    }
  }

  @Test("The two ways of replacing articles differ where letters are taken for words")
  func replacements() throws {
    let task = try #require(try Self.tasks("embedded.jsonl").last)
    let (letters, words) = try (
      #require(task.clip["full"]), #require(task.clip["clean-full"])
    )
    #expect(abs(letters - words) > 1e-3)
  }

  @Test(
    "Boxes, scores, colours and rates are PyTorch's", arguments: PictureScorerTests.makings.indices)
  func owl(_ making: Int) throws {
    let making = Self.makings[making]
    let detector = try OWLViTDetector(folder: making.owl, threshold: making.threshold)
    #expect(detector.threshold == making.threshold ?? 0.87)
    for task in try Self.tasks(making.answers) {
      let score = try detector.score(task.prompt, task.picture, method: "sd", seed: 7)
      var values = score.values
      #expect((values.removeValue(forKey: "ties") == nil) == task.prompt.attributes.isEmpty)
      values["cut"] = nil
      #expect(values == task.owl, "\(task.prompt.id)")
      let found = try #require(score.detections)
      #expect(found.count == task.detections.count)
      for (own, expected) in zip(found, task.detections) {
        #expect(own.subject == expected.subject && own.isFound == expected.isFound)
        #expect(own.colors == expected.colors, "\(task.prompt.id) \(own.subject)")
        #expect(abs(own.score - expected.score) <= 1e-4)
        for (one, other) in zip(own.box, expected.box) { #expect(abs(one - other) <= 1e-3) }
      }
    }
  }

  @Test("Scores are the same whatever was scored before, and what is not asked has no value")
  func independence() throws {
    let tasks = try Self.tasks("embedded.jsonl")
    let (clip, owl) = (try CLIPScorer(), try OWLViTDetector())
    let first = try (
      clip.score(tasks[2].prompt, tasks[2].picture, method: "a", seed: 0),
      owl.score(tasks[2].prompt, tasks[2].picture, method: "a", seed: 0)
    )
    for task in tasks.reversed() {
      _ = try clip.score(task.prompt, task.picture, method: "a", seed: 0)
      _ = try owl.score(task.prompt, task.picture, method: "a", seed: 0)
    }
    let again = try (
      clip.score(tasks[2].prompt, tasks[2].picture, method: "a", seed: 0),
      owl.score(tasks[2].prompt, tasks[2].picture, method: "a", seed: 0)
    )
    #expect(first.0 == again.0 && first.1 == again.1)
    let bare = try owl.score(
      SuitePrompt(id: "x", prompt: "a view"), tasks[0].picture, method: "a", seed: 0)
    #expect(bare.values.isEmpty && bare.detections == [])
  }

  @Test("Pictures that go through CLIP together have the scores that each has alone")
  func together() throws {
    let tasks = try Self.tasks("embedded.jsonl")
    let scorer = try PictureScorer.clip(CLIPScorer())
    let together = try scorer.scores(
      tasks.enumerated().map {
        .init(prompt: $1.prompt, picture: $1.picture, method: "m\($0)", seed: UInt64($0))
      })
    #expect(together.count == tasks.count)
    for (index, task) in tasks.enumerated() {
      let alone = try scorer.score(task.prompt, task.picture, "m\(index)", UInt64(index))
      #expect(together[index] == alone)
    }
  }

  /// The picture shows a turtle above and to the right of a chair.
  @Test(
    "A relation holds by the centres of boxes, as in VISOR, and needs both subjects",
    arguments: [
      ("turtle", "above", "chair", 1.0), ("chair", "below", "turtle", 1),
      ("turtle", "to the right of", "chair", 1), ("chair", "left of", "turtle", 1),
      ("turtle", "below", "chair", 0), ("turtle", "left of", "chair", 0),
      ("cat", "above", "chair", 0), ("chair", "under", "turtle", 1),
      ("turtle", "on top of", "chair", 1), ("chair", "On the left of", "turtle", 1),
      ("turtle", "beneath", "chair", 0), ("chair", "over", "turtle", 0),
      ("chair", "on the right side of", "turtle", 0),
    ])
  func relations(_ subject: String, _ place: String, _ other: String, _ value: Double) throws {
    let task = try Self.tasks("embedded.jsonl")[5]
    let prompt = SuitePrompt(
      id: "r", prompt: "", subjects: [subject, other],
      relations: [SuitePrompt.Relation(subject, place, other)])
    let score = try OWLViTDetector().score(prompt, task.picture, method: "a", seed: 0)
    #expect(score.values["relations"] == value)
    #expect(score.values["right"] == value)
  }

  @Test("A relation that centres do not tell has no value")
  func otherRelations() throws {
    let task = try Self.tasks("embedded.jsonl")[5]
    let prompt = SuitePrompt(
      id: "r", prompt: "", subjects: ["turtle", "chair"],
      relations: [SuitePrompt.Relation("turtle", "riding", "chair")])
    let score = try OWLViTDetector().score(prompt, task.picture, method: "a", seed: 0)
    #expect(score.values["relations"] == nil && score.values["right"] == nil)
  }

  @Test("Texts that the window cuts are counted")
  func cut() throws {
    let task = try Self.tasks("embedded.jsonl")[0]
    let long = Array(repeating: "a purple balloon", count: 12).joined(separator: " beside ")
    let prompt = SuitePrompt(
      id: "long", prompt: long + " and a cat", subjects: ["cat", long], attributes: [:])
    let clip = try CLIPScorer(folder: Evaluators.folder("clip-gelu"))
    let owl = try OWLViTDetector(folder: Evaluators.folder("owlvit-tiny"))
    #expect(try clip.score(prompt, task.picture, method: "a", seed: 0).values["cut"] == 2)
    #expect(try owl.score(prompt, task.picture, method: "a", seed: 0).values["cut"] == 1)
    #expect(try clip.score(task.prompt, task.picture, method: "a", seed: 0).values["cut"] == nil)
  }

  @Test("A caption is compared by itself with the mean of a prompt's sentences")
  func textToText() throws {
    let scorer = try CLIPScorer()
    let own = try scorer.model.vectors(of: ["a cat and a frog"])
    let mean = try scorer.vector(of: "a cat")
    let expected = zip(own.values, mean.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let got = try scorer.similarity(ofCaption: "a cat and a frog", toPrompt: "a cat")
    #expect(abs(got - expected) < 1e-6)
    #expect(got < 0.999)
  }

  @Test("A picture that is much wider than high is refused in a line")
  func narrow() throws {
    let strip = Picture(
      width: 650, height: 10, pixels: [UInt8](repeating: 9, count: 3 * 6500))
    #expect(throws: EvaluationError.pictureShape(width: 650, height: 10)) {
      try CLIPScorer().score(SuitePrompt(id: "x", prompt: "a cat"), strip, method: "a", seed: 0)
    }
  }
}
