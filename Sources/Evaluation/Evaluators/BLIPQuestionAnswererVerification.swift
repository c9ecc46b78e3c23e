internal import Diffusion
internal import TensorEngine

/// A question answerer against its goldens: pixels, token ids of questions, and how sure it is of each.
struct BLIPQuestionAnswererVerification: EvaluatorVerification {
  private let folder: EvaluatorFolder
  private let answerer: BLIPQuestionAnswerer
  private let golden: EvaluatorGolden
  private let tolerance: Double
  private let questions: [(text: String, ids: [Int])]

  init(_ folder: EvaluatorFolder, tolerance: Double) throws {
    self.folder = folder
    answerer = try BLIPQuestionAnswerer(folder)
    golden = try EvaluatorGolden(folder: folder.path)
    self.tolerance = tolerance
    let list = try golden.json.member("questions")
    questions = try list.elements().map {
      (try $0.member("question").string(), try $0.member("token_ids").integers())
    }
    guard !questions.isEmpty else { throw list.failure("expected at least one, got none") }
  }

  private static let ids = "token_ids"
  private static let answers = "yes."

  var names: [String] { [Self.ids] + golden.tensors.names }

  func verify(_ name: String) throws -> CheckpointVerification.Line {
    if name == Self.ids {
      let differing = questions.count { answerer.ids(of: $0.text) != $0.ids }
      return CheckpointVerification.Line(
        name: name, error: Double(differing), range: 1, tolerance: 0)
    }
    if name.hasPrefix("picture.") { return .input(name) }
    if name.hasPrefix("pixels.") {
      return try golden.pixelLine(name, answerer.parts.preprocessing)
    }
    guard name.hasPrefix(Self.answers), let side = Int(name.dropFirst(Self.answers.count)) else {
      return .unknown(name)
    }
    let other = try BLIPQuestionAnswerer(folder, side: side)
    let answers = try golden.pictures.map { picture in
      try other.answers(
        toQuestions: questions.map(\.text), ofPixels: other.preprocessing(picture))
    }
    return try golden.line(
      name,
      Tensor(answers.joined().map { Float($0) }, shape: [answers.count, questions.count]),
      unit: 1, tolerance: tolerance)
  }
}
