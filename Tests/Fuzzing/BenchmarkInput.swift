import Foundation

@testable import Evaluation
@testable import TensorEngine

/// Suites, results of other programs, and answers of studies.
enum BenchmarkInput {
  private static let files = ScratchFolder("benchmark")

  /// What a suite is written as must be read as that suite.
  static func suite(_ input: [UInt8], _ format: SuiteFormat) throws {
    let path = files.write(input, "color_val.input")
    _ = try? Suite(path)
    let suite = try Suite(path, format: format)
    let again = try Suite(files.write(suite.lines.utf8, "again.jsonl"), format: .jsonl)
    if again.prompts != suite.prompts { fatalError("another suite: \(suite.lines)") }
  }

  static func results(_ input: [UInt8]) throws {
    let document = try TextDocument(path: files.write(input, "results.json"))
    let form = ResultsForm(document)
    _ = try? ResultsTable.read(document)
    _ = try ToolResults.read(document, form)
  }

  static func scores(_ input: [UInt8]) throws {
    _ = try ScoreFile(continuing: files.write(input, "scores.jsonl"))
  }

  /// The records of a benchmark and of an export of its pictures.
  static func benchmark(_ input: [UInt8]) throws {
    _ = files.write(input, ExportRecord.name)
    _ = try? ExportRecord(folder: files.path)
    let record = try BenchmarkRecord(path: files.write(input, "benchmark.json"))
    for method in record.methods { _ = record.seeds(of: method) }
  }

  /// Answers with the checksum that they should have, and the key of a study.
  static func answers(_ input: [UInt8]) throws {
    let path = files.write(input, "answers.json")
    _ = try? StudyAnswers(path, key: key)
    _ = try StudyKey(path)
  }

  private static let key: StudyKey = {
    func question(_ code: String) -> StudyKey.Question {
      StudyKey.Question(
        code: code, id: "a-cat", prompt: "a cat", subset: nil, seeds: ["0"],
        sets: ["plain", "guided"].map { StudyKey.PictureSet(code: code + $0, method: $0) })
    }
    return StudyKey(
      study: "0123456789abcdef", seed: 1, methods: ["plain", "guided"],
      questions: [question("bcdf"), question("ghjk")])
  }()
}
