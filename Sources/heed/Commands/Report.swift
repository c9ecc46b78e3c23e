import ArgumentParser
import AttentionAnalysis
import AttentionTrace
internal import Drawing
import Figures
import Foundation
internal import TensorEngine

/// Recorded attention as one page to look through.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Writes one HTML page to look through recorded attention, without a model or network.",
    discussion: """
      Give run folders, or a folder above them; runs of several prompts stand in one page. It opens on \
      the most neglected subject, below a contact sheet of all runs, and shows any words' maps over the \
      picture by step, layer, head and branch, two runs beside each other on one scale, the curves, and \
      the verdict on each subject; its address holds the selection. Without JavaScript it is the contact \
      sheet.

      If the page would be larger than --budget, it keeps single heads only for some steps, or only \
      their mean, and then only every n-th step; the page and a message say so.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String]

  @Option(name: [.short, .long], help: ArgumentHelp("The page to write.", valueName: "file"))
  var output = "report.html"

  @Option(help: ArgumentHelp("The largest size of the page, in MiB.", valueName: "number"))
  var budget = 8.0

  @OptionGroup var boxes: BoxOptions

  @Flag(help: "Opens the page in your browser.")
  var open = false

  func run() throws {
    guard budget > 0, budget <= 4096 else {
      throw Failure(.usage, "--budget: expected MiB, more than 0 and at most 4096, got \(budget)")
    }
    let choice = try RunChoice(runs, .none)
    Message.leftOut(choice)
    let report = try AttentionReport(
      runs: choice.runs, budget: Int(budget * 1_048_576),
      detections: try boxes.detections(of: choice.runs),
      software: "Heed \(HeedVersion.current)")
    try report.write(to: output)
    print(
      "\(output): " + (report.prompts > 1 ? counted(report.prompts, "prompt") + ", " : "")
        + counted(report.runs, "run") + ", " + counted(report.tokens, "token") + ", "
        + counted(report.steps, "step") + ", \(formatBytes(report.html.count))")
    for note in report.notes { Message.note(note) }
    if open, let problem = DesktopBrowser.open(output) { Message.note(problem) }
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
