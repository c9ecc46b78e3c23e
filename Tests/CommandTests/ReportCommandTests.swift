import Foundation
import TestSupport
import Testing

@Suite("heed report")
struct ReportCommandTests {
  private static let prompt = OutputFolderTests.prompt
  private static let arguments = ["compare", prompt, "--steps", "3", "--seeds", "0"]

  @Test("The page is written whole, the same each time, and one line says what is in it")
  func page() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let result = try HeedProcess.run(["report", "runs"], in: folder.path)
    #expect(result.status == 0 && result.stderr.isEmpty)
    #expect(result.stdout.hasPrefix("report.html: 2 runs, 6 tokens, 3 steps, "))
    let page = folder.bytes("report.html")
    #expect(page.starts(with: Array("<!DOCTYPE html>".utf8)))
    let again = try HeedProcess.run(
      ["report", "runs/a-cat-and-a-frog", "-o", "again.html"], in: folder.path)
    #expect(again.status == 0 && folder.bytes("again.html") == page)
    #expect(!folder.names.contains { $0.hasSuffix(".tmp") })
  }

  @Test("A budget that is too small for all of it leaves out, and says so")
  func budget() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let result = try HeedProcess.run(["report", "runs", "--budget", "0.45"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.messages.count == 1 && result.stderr.contains("to keep the file small"))
    #expect(folder.bytes("report.html").count <= 471_859)
    expectRefusal(
      try HeedProcess.run(
        ["report", "runs", "--budget", "0.01", "-o", "no.html"], in: folder.path),
      64, ["budget"])
    for text in ["0", "-1", "nan", "5000"] {
      expectRefusal(
        try HeedProcess.run(
          ["report", "runs", "--budget=\(text)", "-o", "no.html"], in: folder.path),
        64, ["--budget"])
    }
    #expect(!folder.names.contains("no.html"))
  }

  @Test("What cannot be reported is refused in one line, and nothing is written")
  func refusals() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let other = ["generate", "a dog and a frog", "--steps", "2", "-o", "others"]
    #expect(try HeedProcess.run(other, in: folder.path).status == 0)
    let none = ["generate", Self.prompt, "--steps", "2", "--phases", "loss", "-o", "lossy"]
    #expect(try HeedProcess.run(none, in: folder.path).status == 0)
    try folder.write("place/note", [])
    let run = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"
    for (arguments, code, words) in [
      (["runs", "-o", "place"], 73, ["place", "folder"]),
      (["runs", "-o", "no/such/page.html"], 73, ["no/such/page.html"]),
      (["nosuch"], 66, ["nosuch", "no run"]),
      ([run, run], 64, ["given twice"]), (["lossy"], 69, ["lossy", "report"]),
    ] as [([String], Int32, [String])] {
      expectRefusal(try HeedProcess.run(["report"] + arguments, in: folder.path), code, words)
    }
    #expect(!folder.names.contains("report.html"))
  }

  @Test("A folder of several prompts is one page; what cannot be shown is named and left out")
  func severalPrompts() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    for (prompt, phases) in [("a dog and a frog", "denoise"), ("a dog and a cat", "loss")] {
      let other = ["generate", prompt, "--steps", "3", "--phases", phases, "-o", "runs"]
      #expect(try HeedProcess.run(other, in: folder.path).status == 0)
    }
    let result = try HeedProcess.run(["report", "runs"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stdout.hasPrefix("report.html: 2 prompts, 3 runs, 12 tokens, 3 steps, "))
    #expect(result.messages.count == 1)
    #expect(result.stderr.contains("left out") && result.stderr.contains("a-dog-and-a-cat"))
  }

  @Test("--open opens the page in the desktop's browser; where that fails, a line says what to do")
  func open() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    func opening(_ script: String?) throws -> HeedProcess.Result {
      if let script {
        try folder.write("bin/xdg-open", Array("#!/bin/sh\n\(script)\n".utf8))
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: folder.path + "/bin/xdg-open")
      }
      let path = script == nil ? folder.path + "/nothing" : folder.path + "/bin"
      return try HeedProcess.run(
        ["report", "runs", "--open", "-o", "a page.html"], in: folder.path,
        environment: ["PATH": path])
    }
    let opened = try opening("printf %s \"$1\" > '\(folder.path)/opened'")
    #expect(opened.status == 0 && opened.stderr.isEmpty, "\(opened.stderr)")
    #expect(folder.text("opened") == folder.path + "/a page.html")
    for (script, word) in [("exit 3", "xdg-open found no browser"), (nil, "there is no xdg-open")] {
      let result = try opening(script)
      #expect(result.status == 0 && folder.names.contains("a page.html"))
      #expect(result.messages.count == 1 && result.stderr.contains(word), "\(result.stderr)")
      #expect(result.stderr.contains("open a page.html in a browser yourself"))
    }
  }
}
