import Diffusion
import Evaluation
import Foundation
import Pictures
import TensorEngine
import TestSupport
import Testing

/// BLIP against what transformers computes with tiny checkpoints; `make_blip_models.py` writes that.
@Suite("BLIP")
struct BLIPTests {
  /// Checkpoints that transformers made.
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/blip").path

  private static func lines(
    _ verification: some EvaluatorVerification
  ) throws -> [CheckpointVerification.Line] {
    var verification = verification
    return try verification.names.map { try verification.verify($0) }
  }

  @Test(
    "Pixels, scores, answers and captions are transformers'",
    arguments: [
      (fixtures + "/captioner", 4 + 1 + 8 * 4), (fixtures + "/answerer", 1 + 4 + 2),
      (EvaluatorFolder.embedded("captioner"), 4 + 1 + 2 * 4),
    ])
  func goldens(folder: String, count: Int) throws {
    let lines = try Self.lines(EvaluatorFolder(folder).verification())
    for line in lines where line.outcome != .input {
      #expect(line.outcome == .passed, "\(line)")
    }
    #expect(lines.count { $0.outcome == .passed } == count)
  }

  @Test("Captions are those of transformers 4 by its rules, token by token and letter by letter")
  func olderRules() throws {
    let lines = try Self.lines(
      EvaluatorFolder(Self.fixtures + "/captioner").verification(captions: "captions_by_4.json"))
    let captions = lines.filter { $0.name.hasPrefix("captions.") }
    #expect(captions.count == 8 * 4)
    for line in captions { #expect(line.outcome == .passed, "\(line)") }
  }

  @Test("A caption comes without its prompt, and may be none")
  func captions() throws {
    let captioner = try BLIPCaptioner(folder: Self.fixtures + "/captioner")
    let golden = try StrictJSON.read(path: Self.fixtures + "/captioner/captions_by_4.json")
    let texts = try golden.member("captions").member("three beams, 10 to 30 tokens").elements()
      .map { try $0.member("text").string() }
    let captions = try texts.indices.map {
      try captioner.caption(of: Self.picture($0, of: "captioner"))
    }
    #expect("a picture of " + captions[0] == texts[0])
    #expect(texts[2] == "a picture of" && captions[2].isEmpty)
    #expect("a picture of " + captions[3] == texts[3])
  }

  /// What a script of PyTorch and transformers says of a picture.
  private struct Scored: Decodable {
    let id: String
    let picture: String
    let caption: String
    let similarity: Double
    let answers: [String: Double]
  }

  @Test(
    "Pictures have the captions, likenesses and answers that PyTorch and transformers give them")
  func pictures() throws {
    let text = try String(contentsOfFile: Self.fixtures + "/scores.jsonl", encoding: .utf8)
    let captioner = try BLIPCaptioner()
    let answerer = try BLIPQuestionAnswerer(folder: Self.fixtures + "/answerer")
    let clip = try CLIPScorer()
    let prompts = try String(contentsOfFile: Self.fixtures + "/tasks.jsonl", encoding: .utf8)
      .split(separator: "\n").map { try StrictJSON.parse(Array($0.utf8), file: "tasks.jsonl") }
      .map { try JSONNode($0, file: "tasks.jsonl").member("prompt").string() }
    let lines = text.split(separator: "\n")
    #expect(lines.count == 9)
    for (line, prompt) in zip(lines, prompts) {
      let scored = try JSONDecoder().decode(Scored.self, from: Data(line.utf8))
      let picture = try Picture.read(Self.fixtures + "/" + scored.picture)
      let caption = try captioner.caption(
        of: picture, CaptionSettings(minimum: 5, edition: .five))
      #expect(caption == scored.caption)
      let similarity = try clip.similarity(ofCaption: caption, toPrompt: prompt)
      #expect(abs(similarity - scored.similarity) <= 1e-4, "\(scored.id)")
      let phrases = scored.answers.keys.sorted()
      for (phrase, answer) in zip(phrases, try answerer.answers(to: phrases, of: picture)) {
        #expect(abs(answer - (scored.answers[phrase] ?? -1)) <= 1e-4, "\(scored.id): \(phrase)")
      }
    }
  }

  @Test("The embedded captioner is the default, and says what a picture shows")
  func embedded() throws {
    let captioner = try BLIPCaptioner()
    let golden = try SafetensorsFile(
      path: EvaluatorFolder.embedded("captioner") + "/golden.safetensors")
    let picture = Picture(
      width: 128, height: 128, pixels: try golden.integers("picture.0").map { UInt8($0) })
    #expect(try captioner.caption(of: picture, .menagerie) == "a cat")
    #expect(captioner.title.contains("captioner"))
  }

  @Test(
    "Answers do not depend on what else is asked, and a phrase's signs and case are no part of it")
  func answers() throws {
    let answerer = try BLIPQuestionAnswerer(folder: Self.fixtures + "/answerer")
    let picture = try Self.picture(2, of: "answerer")
    let both = try answerer.answers(to: ["a red car", "the blue frogs"], of: picture)
    #expect(try answerer.answers(to: ["the blue frogs"], of: picture) == [both[1]])
    #expect(try answerer.answers(to: ["A (red) \"Car\"!"], of: picture) == [both[0]])
    #expect(both[0] != both[1] && both.allSatisfy { (0...1).contains($0) })
    let long = String(repeating: "a red car ", count: 40)
    let cut = String(repeating: "a red car ", count: 11)
    #expect(
      try answerer.answers(to: [long], of: picture)
        == answerer.answers(to: [cut + "a"], of: picture))
    #expect(try answerer.answers(to: [], of: picture).isEmpty)
  }

  private static func picture(_ index: Int, of name: String) throws -> Picture {
    let golden = try SafetensorsFile(path: fixtures + "/\(name)/golden.safetensors")
    let shape = try #require(golden.entry("picture.\(index)")).shape
    return Picture(
      width: shape[1], height: shape[0],
      pixels: try golden.integers("picture.\(index)").map { UInt8($0) })
  }

  @Test(
    "Settings with which no caption can be found are refused in one line",
    arguments: [
      (CaptionSettings(beams: 0), "beams is 0"), (CaptionSettings(beams: 1000), "beams is 1000"),
      (CaptionSettings(minimum: 31), "smallest number of tokens is 31"),
      (CaptionSettings(minimum: -1), "smallest number of tokens is -1"),
      (CaptionSettings(minimum: 0, maximum: 4), "largest number of tokens is 4"),
      (CaptionSettings(maximum: 41), "largest number of tokens is 41"),
      (CaptionSettings(repetitionPenalty: 0), "repetition penalty is 0"),
      (CaptionSettings(repetitionPenalty: .nan), "repetition penalty is nan"),
    ])
  func settings(settings: CaptionSettings, says: String) throws {
    let captioner = try BLIPCaptioner(folder: Self.fixtures + "/captioner")
    let error = #expect(throws: DiffusionError.self) {
      try captioner.caption(of: Self.picture(0, of: "captioner"), settings)
    }
    #expect(error.map { "\($0)".contains(says) } == true, "\(error.map { "\($0)" } ?? "")")
  }

  /// A change of a fixture's configuration, and what the error must say.
  struct Damage: CustomTestStringConvertible {
    let testDescription: String
    var from = ""
    var to = ""
    var removed: String?
    let says: String
  }

  static let damages = [
    Damage(
      testDescription: "another task", from: "BlipForConditionalGeneration",
      to: "BlipForQuestionAnswering", says: "BlipForConditionalGeneration"),
    Damage(
      testDescription: "a task that Heed lacks", from: "BlipForConditionalGeneration",
      to: "BlipForImageTextRetrieval", says: "architectures is BlipForImageTextRetrieval"),
    Damage(
      testDescription: "more layers than weights", from: "\"num_hidden_layers\": 3",
      to: "\"num_hidden_layers\": 4", says: "text_decoder.bert.encoder.layer.3"),
    Damage(
      testDescription: "another width", from: "\"hidden_size\": 24", to: "\"hidden_size\": 27",
      says: "of another shape"),
    Damage(
      testDescription: "a width that heads do not divide", from: "\"hidden_size\": 24",
      to: "\"hidden_size\": 25", says: "25 is not a multiple of 3 heads"),
    Damage(
      testDescription: "no cross-attention", from: "\"is_decoder\": true",
      to: "\"is_decoder\": false",
      says: "is_decoder is false"),
    Damage(
      testDescription: "a start beyond the vocabulary", from: "\"bos_token_id\": 35",
      to: "\"bos_token_id\": 37", says: "bos_token_id"),
    Damage(
      testDescription: "another activation", from: "\"hidden_act\": \"gelu\"",
      to: "\"hidden_act\": \"relu\"", says: "hidden_act is relu"),
    Damage(
      testDescription: "a size that is not the model's", from: "\"image_size\": 28",
      to: "\"image_size\": 30", says: "28x28"),
    Damage(testDescription: "no weights", removed: "model.safetensors", says: "model.safetensors"),
    Damage(
      testDescription: "no processor", removed: "preprocessor_config.json",
      says: "preprocessor_config.json"),
  ]

  @Test(
    "A checkpoint that is damaged or of another kind is refused in one line", arguments: damages)
  func refusals(damage: Damage) throws {
    let folder = try TemporaryFolder()
    let copy = folder.path + "/blip"
    try FileManager.default.copyItem(atPath: Self.fixtures + "/captioner", toPath: copy)
    let path = copy + "/config.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(damage.removed != nil || text.contains(damage.from))
    try text.replacing(damage.from, with: damage.to, maxReplacements: 1)
      .write(toFile: path, atomically: true, encoding: .utf8)
    if let removed = damage.removed {
      try FileManager.default.removeItem(atPath: copy + "/" + removed)
    }
    do {
      _ = try BLIPCaptioner(folder: copy)
      Issue.record("accepted")
    } catch {
      #expect(!"\(error)".contains("\n") && "\(error)".contains(damage.says), "\(error)")
      #expect("\(error)".contains(copy))
    }
  }

  @Test("A captioner answers no questions, an answerer writes no captions, and CLIP does neither")
  func strangers() throws {
    #expect(throws: DiffusionError.self) {
      try BLIPQuestionAnswerer(folder: Self.fixtures + "/captioner")
    }
    #expect(throws: DiffusionError.self) { try BLIPCaptioner(folder: Self.fixtures + "/answerer") }
    #expect(throws: DiffusionError.self) {
      try BLIPCaptioner(folder: EvaluatorFolder.embedded("clip"))
    }
  }

  @Test("Phrases are the suite's, or else those that Heed finds, and which of both is told")
  func phrases() throws {
    let named = SuitePrompt(
      id: "1", prompt: "a red car and a blue bow", phrases: ["a red car", "a bow"])
    #expect(try AskedPhrases(of: named).phrases == ["a red car", "a bow"])
    #expect(try AskedPhrases(of: named).source == .suite)
    let plain = SuitePrompt(id: "2", prompt: "a red car and a blue bow")
    #expect(try AskedPhrases(of: plain).phrases == ["a red car", "a blue bow"])
    #expect(try AskedPhrases(of: plain).source == .heed)
    let long = SuitePrompt(
      id: "3", prompt: String(repeating: "a cat and ", count: 60) + "a green turtle")
    #expect(try AskedPhrases(of: long).phrases.last == "a green turtle")
  }
}
