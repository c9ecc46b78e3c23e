import Evaluation
import Testing

/// The line that tells how far a job is.
@Suite("Progress")
struct ProgressTextTests {
  private static let jobs = [
    ProgressText("Stable Diffusion, seed 0", done: 1, of: 50, seconds: 0.02, loss: nil),
    ProgressText("Attend-and-Excite, seed 12", done: 123, of: 8000, seconds: 977, loss: 0.123),
    ProgressText(
      "Prompt-to-Prompt, scale-factor-20, seed 18446744073709551615", done: 99_999, of: 100_000,
      seconds: 359_996, loss: 1.5),
    ProgressText(
      "Conform, seed 3", done: 7, of: 50, seconds: 3, loss: 0.5,
      preview: "runs/a-cat-and-a-frog/conform/seed-3/preview.png"),
  ]

  @Test("The line fits any width, and tells more where there is more room", arguments: jobs.indices)
  func fits(_ job: Int) {
    var length = 0
    for columns in 0...200 {
      let line = Self.jobs[job].line(columns: columns)
      #expect(line.count <= columns)
      #expect(line.count >= length, "\(columns): \(line)")
      length = line.count
    }
  }

  @Test("At 40 columns the line tells how far the job is and what is left", arguments: jobs.indices)
  func narrow(_ job: Int) {
    let line = Self.jobs[job].line(columns: 39)
    #expect(line.contains("/") && line.contains(" left"), "\(line)")
  }

  @Test("With room, everything is told")
  func wide() {
    #expect(
      Self.jobs[1].line(columns: 199)
        == "Attend-and-Excite, seed 12 | step 123 of 8000 | 7.94 s/step | 1042:48 left | loss 0.123"
    )
    #expect(
      Self.jobs[3].line(columns: 199).hasSuffix("loss 0.500 | " + (Self.jobs[3].preview ?? "-")))
  }
}
