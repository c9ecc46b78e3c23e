import Drawing
import Figures
import Foundation
import Testing

@Suite("LaTeX")
struct TeXTests {
  private func text(
    _ scenes: [Scene], _ graphics: String = "a.pdf", for venue: Venue? = nil
  ) -> String {
    TeXBackend.text(scenes, TeXBackend.Source(graphics: [graphics], venue: venue))
  }

  /// What LaTeX reads: all but comments.
  private func code(_ text: String) -> String {
    text.split(separator: "\n").filter { !$0.hasPrefix("%") }.joined(separator: "\n")
  }

  @Test(
    "Nothing in a prompt is a command, and braces stay balanced",
    arguments: [
      #"a cat \input{/etc/passwd} & 50% of $5 #1 a_b {x} ~ ^"#, "}{\\", "a <cat> ×2", "%%%",
    ])
  func escapes(prompt: String) throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.prompt = prompt
    let text = code(text([try sheet.scene()], for: .acm))
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
        "Description",
      ]))
  }

  @Test("With a venue the width is the figure's own in TeX's points, else it is the line's")
  func widths() throws {
    let sheet = Sample.sheet(seeds: 2, subjects: 2)
    for (width, points, environment) in [(236.25, "237.14", "figure"), (495, "496.86", "figure*")] {
      let scene = try sheet.scene(SheetStyle(width: width))
      let text = code(text([scene], "out/cat-1.pdf", for: .cvpr))
      #expect(text.hasPrefix("\\begin{\(environment)}\n"))
      #expect(text.contains("width=\(points)pt,alt={"))
      #expect(text.contains("]{out/cat-1.pdf}") && text.contains("\\label{fig:cat-1}"))
      let plain = code(self.text([scene], "out/cat-1.pdf"))
      #expect(plain.hasPrefix("\\begin{figure}\n") && plain.contains("[width=\\linewidth,"))
    }
  }

  @Test("The caption says what the figure does not print, the alt text says all")
  func captions() throws {
    let sheet = Sample.sheet(seeds: 2, subjects: 2)
    for (title, note) in [(true, true), (false, true), (true, false), (false, false)] {
      var style = SheetStyle()
      style.words = PrintedWords(title: title, note: note)
      let scene = try sheet.scene(style)
      let text = text([scene])
      let caption = try #require(text.split(separator: "\n").first { $0.contains("\\caption{") })
      let alt = try #require(text.split(separator: "\n").first { $0.contains("alt={") })
      #expect(caption.contains("``\(sheet.prompt)''") == !title)
      #expect(caption.contains("on one scale from 0 to ") == !note)
      #expect(alt.contains("``\(sheet.prompt)''") && alt.contains("on one scale from 0 to "))
      let printed = scene.texts.map(\.string)
      #expect(printed.contains("“\(sheet.prompt)”") == title)
      #expect(printed.contains { $0.hasPrefix("Maps:") } == note)
    }
  }

  @Test("ACM's classes get a description, pages share a number, and what fonts lack is named once")
  func classes() throws {
    var sheet = Sample.sheet(seeds: 8, subjects: 2)
    let pages = try sheet.pages(SheetStyle(for: .acm, width: Venue.acm.column))
    try #require(pages.count > 1)
    let tex = text(pages, for: .acm)
    #expect(tex.components(separatedBy: "\\Description{").count == pages.count + 1)
    #expect(tex.components(separatedBy: "\\label{").count == 2)
    #expect(tex.components(separatedBy: "\\addtocounter{figure}{-1}").count == pages.count)
    for page in 1...pages.count { #expect(tex.contains("[page=\(page),width=")) }
    #expect(!text(pages, for: .cvpr).contains("\\Description"))
    #expect(!tex.contains("% Note:") && tex.contains("% \\graphicspath{{"))
    sheet.prompt = "猫と蛙 猫"
    let foreign = text([try sheet.scene()])
    let notes = foreign.split(separator: "\n").filter { $0.hasPrefix("% Note:") }
    #expect(notes.count == 1 && notes[0].contains("猫 と 蛙") && notes[0].contains("lualatex"))
  }

  @Test("Written files name the way from the .tex to the figure, and a file for each page")
  func files() throws {
    try withFolder { folder in
      let runs = try (0..<40).map { seed in
        try recordSynthetic(
          folder.appendingPathComponent("runs/\(seed)"), "attend-and-excite", seed: seed, [:])
      }
      var plan = MapSheetPlan.seeds
      plan.recipe = "mean(layer: 2x3)"
      var style = SheetStyle(for: .article)
      style.typeSize = 14
      let sheet = Sheet(SheetPlan(.maps(plan)), of: runs, style: style)
      for name in ["figures", "text"] {
        try FileManager.default.createDirectory(
          at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
      }
      let (graphic, tex) = (folder.path + "/figures/a", folder.path + "/text/a.tex")
      let output = try sheet.write(to: [graphic + ".pdf", graphic + ".png", tex], dpi: 40)
      try #require(output.pages > 1)
      #expect(output.files[0] == [graphic + ".pdf"])
      #expect(output.files[1] == (1...output.pages).map { "\(graphic)-\($0).png" })
      #expect(
        try run("pdfinfo", [graphic + ".pdf"]).output.contains("Pages:           \(output.pages)\n")
      )
      let text = try String(contentsOfFile: tex, encoding: .utf8)
      #expect(text.contains("]{../figures/a.pdf}"))
      _ = try sheet.write(to: [graphic + ".png", tex], dpi: 40)
      let pictures = try String(contentsOfFile: tex, encoding: .utf8)
      for page in 1...output.pages { #expect(pictures.contains("]{../figures/a-\(page).png}")) }
      #expect(pictures.contains("\\label{fig:a}"))
      try compile(tex, class: "article")
      let pdf = try JSONSerialization.jsonObject(
        with: Data(sheet.pages()[1].metadata.manifest.utf8))
      #expect((pdf as? [String: Any])?["page"] as? Int == 2)
    }
  }

  /// Compiles a paper that inputs the file, where LaTeX is installed.
  private func compile(_ tex: String, class name: String) throws {
    guard try run("pdflatex", ["--version"]).status == 0 else {
      print("pdflatex is not installed: the text is checked, and not compiled")
      return
    }
    let folder = URL(fileURLWithPath: tex).deletingLastPathComponent()
    try """
    \\documentclass{\(name)}
    \\usepackage[T1]{fontenc}
    \\usepackage{graphicx}
    \\begin{document}
    \\input{\(URL(fileURLWithPath: tex).lastPathComponent)}
    \\end{document}

    """.write(to: folder.appendingPathComponent("paper.tex"), atomically: true, encoding: .utf8)
    let result = try run(
      "pdflatex", ["-interaction=nonstopmode", "-halt-on-error", "paper.tex"], folder: folder)
    #expect(result.status == 0, "\(result.output.suffix(2000))")
    #expect(!result.output.contains("Float too large") && !result.output.contains("Overfull"))
  }
}
