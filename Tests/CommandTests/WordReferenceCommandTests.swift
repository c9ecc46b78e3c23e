import Foundation
import TestSupport
import Testing

/// Words are named in one language by every command that takes them.
@Suite("Words named on the command line")
struct WordReferenceCommandTests {
  private static let prompt =
    "a frog and a red car, a t-shirt at 5 o'clock, pok\u{E9}mon r2d2 50mm 猫 🐸 frog"

  /// What each consumer of words is given for a reference.
  private static func consumers(_ reference: String, run: String) -> [[String]] {
    [
      [
        "generate", prompt, "--method", "stable-diffusion", "--tokens", reference, "--dry-run",
      ],
      [
        "generate", prompt, "--method", "stable-diffusion", "--record-tokens", reference,
        "--dry-run",
      ],
      ["analyze", run, "--report", "statistics", "--tokens", reference],
      [
        "analyze", run, "--report", "statistics", "--recipe",
        "mean(layer: 16x16) tokens(\(reference))",
      ],
      ["analyze", run, "--ask", prompt, "--recipe", "mean(layer: 16x16) tokens(\(reference))"],
      ["sheet", run, "--layout", "tokens", "--words", reference, "-o", "sheet.svg"],
      ["export", run, "--tokens", reference, "-o", "out-\(UUID().uuidString)"],
    ]
  }

  private func recorded() throws -> (folder: TemporaryFolder, run: String) {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "generate", Self.prompt, "--method", "stable-diffusion", "--steps", "2", "--queries",
        "16x16",
      ], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return (folder, String(result.stdout.split(separator: "\n").first ?? ""))
  }

  @Test("What one command reads as words, every command does")
  func understood() throws {
    let (folder, run) = try recorded()
    for reference in [
      "frog#2", "RED car", "t-shirt", "O'Clock", "poke\u{301}mon", "r2d2", "50mm", "猫", "🐸", "@6",
      "6", "5#1", "car, t-shirt,@2",
    ] {
      for arguments in Self.consumers(reference, run: run) {
        let result = try HeedProcess.run(arguments, in: folder.path)
        #expect(result.status == 0, "\(arguments): \(result.stderr)")
      }
    }
  }

  @Test("What one command refuses as words, every command refuses in the same words")
  func refused() throws {
    let (folder, run) = try recorded()
    for (reference, code) in [("frog", 64), ("dog", 64), ("frog#3", 64), ("@77", 64), ("5", 64)] {
      var messages: Set<String> = []
      for arguments in Self.consumers(reference, run: run) {
        let result = try HeedProcess.run(arguments, in: folder.path)
        #expect(result.status == code, "\(arguments): \(result.stderr)")
        messages.insert(result.stderr)
      }
      #expect(messages.count == 1, "\(messages)")
    }
  }

  @Test("An empty item of a list is refused everywhere", arguments: ["car,,frog#1", "car,", " "])
  func empty(_ list: String) throws {
    let (folder, run) = try recorded()
    for arguments in Self.consumers(list, run: run) {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 64, "\(arguments): \(result.stderr)")
      #expect(
        result.stderr.contains("an empty name selects no token")
          || result.stderr.contains("expected words once"), "\(result.stderr)")
    }
  }
}
