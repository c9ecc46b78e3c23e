import TestSupport
import Testing

/// Several runs at a time.
@Suite("Batches of runs")
struct BatchTests {
  private static let arguments = [
    "compare", OutputFolderTests.prompt, "--seeds", "0..2", "--steps", "5", "--size", "136x88",
    "--layers", "*", "--phases", "denoise,loss", "--thresholds", "0=0.99",
    "--max-refinement-steps", "3", "--scheduler", "euler-ancestral", "--rng", "torch-cuda",
  ]

  @Test("Runs made side by side leave the bytes of runs made one after the other")
  func bytes() throws {
    let (alone, together) = (try TemporaryFolder(), try TemporaryFolder())
    let first = try HeedProcess.run(Self.arguments, in: alone.path)
    #expect(first.status == 0, "\(first.stderr)")
    let second = try HeedProcess.run(Self.arguments + ["--batch", "3"], in: together.path)
    #expect(second.status == 0, "\(second.stderr)")
    let contents = try RunContents(alone.path + "/runs")
    #expect(contents.names.count { $0.hasSuffix("image.png") } == 6)
    #expect(try RunContents(together.path + "/runs") == contents)
  }

  @Test("A run that cannot be made stops the others, and is the error")
  func failure() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "runs/a-cat-and-a-frog/attend-and-excite/seed-1/thesis.tex", "years of work".utf8)
    let options = ["generate", OutputFolderTests.prompt, "--seeds", "0..9", "--batch", "2"]
    let result = try HeedProcess.run(options, in: folder.path)
    #expect(result.status == 73)
    #expect(result.stdout.isEmpty)
    #expect(result.messages.last?.contains("seed-1 is not empty") == true, "\(result.stderr)")
    #expect(!folder.names.contains { $0.contains("seed-9") })
  }
}
