import Figures
import Foundation
import Testing

@Suite("LaTeX")
struct TeXTests {
  @Test(
    "Nothing in a prompt is a command, and braces stay balanced",
    arguments: [
      #"a cat \input{/etc/passwd} & 50% of $5 #1 a_b {x} ~ ^"#, "}{\\", "a <cat> ×2", "%%%",
    ])
  func escapes(prompt: String) throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.prompt = prompt
    let text = TeXBackend.text(try sheet.scene(), graphics: "a.pdf")
    var (depth, least, isEscaped) = (0, 0, false)
    for character in text {
      if isEscaped {
        isEscaped = false
        continue
      }
      switch character {
      case "\\": isEscaped = true
      case "{": depth += 1
      case "}": depth -= 1
      case "%", "#", "&", "_", "~", "^": Issue.record("a bare \(character) in \(text)")
      default: break
      }
      least = min(least, depth)
    }
    #expect(depth == 0 && least == 0)
    let commands = Set(text.split(separator: "\\").dropFirst().map { $0.prefix { $0.isLetter } })
    #expect(
      commands.isSubset(of: [
        "", "begin", "centering", "includegraphics", "caption", "label", "end", "times", "surd",
        "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater",
      ]))
  }

  @Test("The width is the figure's own in TeX's points, the caption's numbers are the scale's")
  func numbers() throws {
    let sheet = Sample.sheet(seeds: 2, subjects: 2)
    for (width, points, environment) in [(236.25, "237.14", "figure"), (495, "496.86", "figure*")] {
      let text = TeXBackend.text(
        try sheet.scene(SheetStyle(width: width)), graphics: "out/cat-1.pdf")
      #expect(text.hasPrefix("\\begin{\(environment)}\n"))
      #expect(text.contains("width=\(points)pt,alt={"))
      #expect(text.contains("]{out/cat-1.pdf}") && text.contains("\\label{fig:cat-1}"))
      #expect(text.contains("on one scale from 0 to "))
    }
  }
}
