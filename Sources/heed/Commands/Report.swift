import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation

/// Recorded attention as one page to look through.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Writes one HTML page to look through recorded attention, without a model or network.",
    discussion: """
      Give run folders of one prompt, or a folder above them. The page shows each word's map by \
      step, layer, head and branch, two runs beside each other on one scale, the curves of loss and \
      attention, and the verdict on each subject; its address holds the selection. Without JavaScript \
      it is a contact sheet.

      If the page would be larger than --budget, it keeps single heads only for some steps, or only \
      their mean, and then only every n-th step; the page and a message say so.
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String]

  @Option(name: [.short, .long], help: ArgumentHelp("The page to write.", valueName: "file"))
  var output = "report.html"

  @Option(help: ArgumentHelp("The largest size of the page, in MiB.", valueName: "number"))
  var budget = 8.0

  func run() throws {
    guard budget > 0, budget <= 4096 else {
      throw Failure(.usage, "--budget: expected MiB, more than 0 and at most 4096, got \(budget)")
    }
    let report = try AttentionReport(
      runs: try RunSearch.distinctRuns(runs), budget: Int(budget * 1_048_576),
      software: "Heed \(HeedVersion.current)")
    for note in report.notes { Message.note(note) }
    try report.write(to: output)
    print(
      "\(output): " + counted(report.runs, "run") + ", " + counted(report.tokens, "token") + ", "
        + counted(report.steps, "step") + ", \(formatBytes(report.html.count))")
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
