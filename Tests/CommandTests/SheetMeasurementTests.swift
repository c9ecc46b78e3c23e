import Foundation
import TestSupport
import Testing

/// The layouts that measure runs: curves over the steps, and ranked cases.
@Suite("heed sheet --layout curves and neglect")
struct SheetMeasurementTests {
  @Test("Both are drawn of what heed compare recorded, the same bytes each time")
  func drawn() throws {
    let folder = try TemporaryFolder()
    let made = try HeedProcess.run(
      ["compare", OutputFolderTests.prompt, "--steps", "3", "--seeds", "0..1"], in: folder.path)
    #expect(made.status == 0)
    for layout in ["curves", "neglect"] {
      for name in ["one", "two"] {
        let result = try HeedProcess.run(
          ["sheet", "runs", "--layout", layout, "-o", "\(name).pdf", "-o", "\(name).svg"],
          in: folder.path)
        #expect(result.status == 0, "\(result.stderr)")
        #expect(result.stdout.isEmpty)
      }
      #expect(folder.bytes("one.pdf") == folder.bytes("two.pdf"))
      #expect(folder.bytes("one.svg") == folder.bytes("two.svg"))
      let words = layout == "curves" ? [">loss<", "(n = 2)"] : [">Stable Diffusion, seed 0<"]
      for word in words { #expect(folder.text("one.svg").contains(word), "\(word)") }
    }
    try options(folder)
    try refusals(folder)
  }

  private func options(_ folder: TemporaryFolder) throws {
    let some = try HeedProcess.run(
      [
        "sheet", "runs", "--layout", "curves", "--measures", "overlap,loss", "--for", "icml",
        "--width", "column", "--no-metadata", "-o", "some.svg",
      ], in: folder.path)
    #expect(some.status == 0, "\(some.stderr)")
    let text = folder.text("some.svg")
    #expect(text.contains(">loss<") && text.contains(">overlap: cat and frog<"))
    #expect(!text.contains("entropy") && text.contains("width=\"234pt\""))
    let few = try HeedProcess.run(
      [
        "sheet", "runs", "--layout", "neglect", "--cases", "1", "-o", "few.svg", "-o", "few.pdf",
        "-o", "few.tex",
      ],
      in: folder.path)
    #expect(few.status == 0, "\(few.stderr)")
    let caption = folder.text("few.tex")
    // Both runs by Stable Diffusion neglect a subject in so few steps; the others are no cases.
    #expect(caption.contains("1 of 2 cases are shown"))
    #expect(caption.contains("Stable Diffusion 2 of 2, Attend-and-Excite 0 of 2"))
  }

  private func refusals(_ folder: TemporaryFolder) throws {
    for (arguments, status, words) in [
      (
        ["--layout", "curves", "--measures", "loss,speed"], 64, ["--measures", "speed", "entropy"]
      ),
      (["--layout", "neglect", "--cases", "0"], 64, ["--cases", "0"]),
      (["--cases", "3"], 64, ["--cases", "compare"]),
      (["--layout", "neglect", "--measures", "loss"], 64, ["--measures", "neglect"]),
      (["--layout", "curves", "--words", "cat"], 64, ["--words", "curves"]),
      (["--layout", "curves", "--overlay", "cells"], 64, ["--overlay", "curves"]),
      (["--layout", "curves", "--steps", "1"], 64, ["--steps", "curves"]),
      (["--layout", "curves", "--recipe", "mean(layer: 9x9)"], 69, ["9x9"]),
      (["--layout", "neglect", "--recipe", "mean(layer: 9x9)"], 69, ["9x9"]),
      (["runs", "--layout", "curves"], 64, ["given twice"]),
      (["runs", "--layout", "neglect"], 64, ["given twice"]),
    ] as [([String], Int32, [String])] {
      let refused = try HeedProcess.run(
        ["sheet", "runs", "-o", "refused.png"] + arguments, in: folder.path)
      #expect(refused.status == status, "\(arguments): \(refused.stderr)")
      for word in words { #expect(refused.stderr.contains(word), "\(refused.stderr)") }
      #expect(!folder.names.contains("refused.png"))
    }
  }
}
