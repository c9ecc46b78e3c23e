import Foundation
import TestSupport
import Testing

/// `heed verify` on the folders of evaluators.
@Suite("heed verify, of evaluators")
struct EvaluatorCommandTests {
  private static let eyes = Repository.root + "/Sources/Evaluation/Resources/Eyes/"
  private static let tiny = Repository.root + "/Tests/EvaluationTests/Fixtures/"

  @Test(
    "Every tensor of the goldens is told, and all are within their bars",
    arguments: [
      (eyes + "clip", "8 passed, 0 failed, 0 not yet, 4 input"),
      (eyes + "owlvit", "11 passed, 0 failed, 0 not yet, 4 input"),
      (tiny + "clip-sharp", "8 passed, 0 failed, 0 not yet, 4 input"),
      (tiny + "owlv2-tiny", "12 passed, 0 failed, 0 not yet, 4 input"),
      (eyes + "captioner", "13 passed, 0 failed, 0 not yet, 4 input"),
      (tiny + "blip/answerer", "7 passed, 0 failed, 0 not yet, 4 input"),
    ])
  func goldens(_ path: String, _ counts: String) throws {
    let result = try HeedProcess.run(["verify", path], in: "/tmp")
    #expect(result.status == 0 && result.stderr.isEmpty, "\(result.stderr)")
    #expect(result.stdout.split(separator: "\n").last.map(String.init) == counts)
  }

  @Test("A stricter tolerance is heeded")
  func tolerance() throws {
    let result = try HeedProcess.run(
      ["verify", Self.tiny + "clip-gelu", "--tolerance", "0"], in: "/tmp")
    #expect(result.status == 1, "\(result.stdout)\(result.stderr)")
    #expect(result.stdout.contains("FAILED"))
  }

  @Test("A folder that is no evaluator's is refused in a line")
  func refused() throws {
    let folder = try TemporaryFolder()
    try folder.write("it/config.json", #"{"model_type": "siglip"}"#.utf8)
    let result = try HeedProcess.run(["verify", "it"], in: folder.path)
    #expect(result.status == 69)
    #expect(
      result.messages == [
        "heed: it/config.json: model_type is siglip; Heed runs the evaluators clip, owlvit, owlv2, blip"
      ], "\(result.stderr)")
  }
}
