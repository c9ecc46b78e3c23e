import Foundation
import TestSupport
import Testing

/// What a person sees in a terminal while runs are made.
@Suite(
  "Terminals", .serialized, .enabled(if: Terminal.isInstalled, "make test installs tmux"))
struct TerminalTests {
  private static let command =
    "heed generate 'a cat and a frog' --method stable-diffusion --steps 6 --seeds "

  /// Whether a row is of the line that tells how far the job is.
  private func isProgress(_ row: String) -> Bool { row.contains(" | ") || row.contains("/12 ") }

  @Test(
    "Progress stays in one row of any terminal, and is gone at the end", arguments: [40, 80, 200])
  func progress(_ columns: Int) throws {
    let folder = try TemporaryFolder()
    let terminal = try Terminal(columns: columns, in: folder.path)
    try terminal.enter(Self.command + "0,1")
    var seen = 0
    let isDone = terminal.wait { rows in
      let places = rows.indices.filter { isProgress(rows[$0]) }
      seen += places.count
      #expect(places.isEmpty || places == [rows.count - 1], "\(rows)")
    } until: {
      // The line that is typed begins with the same prompt.
      $0 == "[0]" && seen > 0
    }
    #expect(isDone && seen > 0, "\(terminal.lines)")
    let lines = terminal.lines
    #expect(!lines.contains(where: isProgress))
    // The runs are made side by side, and end in any order.
    #expect(lines.suffix(5).contains { $0.hasPrefix("Stable Diffusion, seed 0: 6 steps in ") })
    #expect(lines.last == "[0]")
  }

  @Test("Ctrl-C leaves a clean screen", arguments: [40, 80, 200])
  func interrupt(_ columns: Int) throws {
    let folder = try TemporaryFolder()
    let terminal = try Terminal(columns: columns, in: folder.path)
    try terminal.enter(Self.command + "0..99")
    #expect(terminal.wait { isProgress($0) })
    #expect(terminal.cursorColumn == 0)
    try terminal.press("C-c")
    #expect(terminal.wait { $0.hasPrefix("[130]") }, "\(terminal.lines)")
    let lines = terminal.lines
    #expect(!lines.contains(where: isProgress), "\(lines)")
    #expect(lines.suffix(2) == ["heed: interrupted; the same command resumes", "[130]"])
  }

  @Test("A terminal that grows narrower keeps no broken line")
  func narrower() throws {
    let folder = try TemporaryFolder()
    let terminal = try Terminal(columns: 100, in: folder.path)
    try terminal.enter(Self.command + "0..99")
    #expect(terminal.wait { isProgress($0) })
    try terminal.resize(columns: 40)
    usleep(1_500_000)
    #expect(terminal.rows.count(where: isProgress) <= 1, "\(terminal.rows)")
    try terminal.press("C-c")
    #expect(terminal.wait { $0.hasPrefix("[130]") }, "\(terminal.lines)")
    #expect(!terminal.rows.contains(where: isProgress), "\(terminal.rows)")
  }

  @Test("A table wider than the terminal is parted, and each part says what its rows are of")
  func table() throws {
    let folder = try TemporaryFolder()
    let terminal = try Terminal(columns: 80, in: folder.path)
    try terminal.enter(
      "heed generate 'a cat and a frog' --steps 2 -o runs > /dev/null 2>&1; clear; "
        + "heed analyze runs/*/*/* --report outcome; false")
    #expect(terminal.wait { $0.hasPrefix("[1]") }, "\(terminal.lines)")
    let (rows, lines) = (terminal.rows, terminal.lines)
    #expect(rows == lines, "a line was broken: \(rows)")
    #expect(lines.count { $0.hasPrefix("seed") } > 1, "\(lines)")
  }
}
