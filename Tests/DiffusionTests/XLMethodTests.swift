import AttentionTrace
import Diffusion
import PromptText
import TensorEngine
import Testing

@Suite("Methods on Stable Diffusion XL")
struct XLMethodTests {
  /// A method with something to do in the test's prompt.
  struct Case: Sendable, CustomTestStringConvertible {
    let method: any Method
    var testDescription: String {
      [method.name, method.knobTexts["objective-form"]].compactMap(\.self).joined(separator: ", ")
    }
  }

  /// What the tests of methods on other checkpoints run, each with SDXL.
  static let cases: [Case] = {
    var excited = AttendAndExcite()
    excited.schedule = GradientSchedule(maxIterations: 2, thresholds: [1: 0.5])
    excited.schedule.maxRefinementSteps = 2
    var magnet = Magnet()
    magnet.bank = WordBankFile(TemporaryCheckpoint.fixtures + "/methods/bank.txt")
    let others: [any Method] = [
      PlainDiffusion(), excited, TEBOpt(), magnet, MethodTests.merging(), StructureDiffusion(),
      ComposableDiffusion([.init("a red car", weight: 7.5), .init("a frog", weight: -2)]),
      PromptToPrompt(source: "a red frog and a white mouse", edit: .replacement),
    ]
    return (ObjectiveMethodTests.cases.map(\.method) + others).filter { !needsFinerGrids($0) }
      .map { Case(method: $0) }
  }()

  /// Whether a method reads maps at twice and four times the objective's grid, where SDXL has two grids.
  private static func needsFinerGrids(_ method: any Method) -> Bool {
    method.name == DivideAndBind().name && method.knobTexts["objective-form"] == "code"
  }

  private static let model = Result {
    try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-xl"))
  }

  private static let plain = Result { try latent(PlainDiffusion()) }

  /// What three steps give.
  private static func latent(_ method: any Method) throws -> Tensor {
    var request = RunRequest(
      "a red car and a white mouse", seed: 3, method: method, subjects: ["car", "mouse"])
    (request.steps, request.recording) = (3, nil)
    request.grid = Grid(rows: 8, columns: 8)
    let plan = try model.get().plan(request)
    let announced = Set(plan.passes)
    var unannounced: [AttentionPass] = []
    var sequence = try plan.sequence { pass, _ in
      if !announced.contains(pass) { unannounced.append(pass) }
    }
    while try sequence.next() != nil {}
    #expect(unannounced.isEmpty)
    return sequence.latent
  }

  @Test("All are there")
  func all() {
    let missing = Set(Methods.all.map(\.name)).subtracting(Self.cases.map(\.method.name))
    #expect(missing.isEmpty)
  }

  @Test("Three steps give a finite latent, other than Stable Diffusion XL's", arguments: cases)
  func runs(_ test: Case) throws {
    let (plain, altered) = (try Self.plain.get(), try Self.latent(test.method))
    #expect(altered.isFinite)
    #expect((altered.values == plain.values) == (test.method.name == PlainDiffusion().name))
  }

  @Test("A form that reads three grids says which one is not there")
  func finerGrids() throws {
    let method = try #require(
      ObjectiveMethodTests.cases.map(\.method).first(where: Self.needsFinerGrids))
    let said = message { _ = try Self.latent(method) }
    #expect(
      said == "no cross-attention at 16x16 in this checkpoint at this size; there is 8x8, 4x4")
  }
}
