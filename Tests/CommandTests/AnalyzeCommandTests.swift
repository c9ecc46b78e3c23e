import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

/// Words that were not in the prompt, asked of recorded queries.
@Suite("heed analyze --ask")
struct AnalyzeCommandTests {
  private static let prompt = "a cat and a frog"
  private static let run = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"

  private func recorded(_ more: [String] = []) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "generate", Self.prompt, "--method", "stable-diffusion", "--steps", "3", "--queries",
        "16x16,8x8", "--layers", "16x16,8x8", "--precision", "float32",
      ] + more, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return folder
  }

  private struct Row: Decodable {
    let run: String
    let word: String
    let peak: Float
    let row: Int
    let column: Int
    let share: Double
    let entropy: Double
    let recipe: String
    let file: String
  }

  private func rows(_ folder: TemporaryFolder, _ arguments: [String]) throws -> [Row] {
    let result = try HeedProcess.run(
      ["analyze", "runs", "--json", "-o", "maps"] + arguments, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return try JSONDecoder().decode([Row].self, from: Data(result.stdout.utf8))
  }

  @Test(
    "The run's own prompt gives the recorded maps, under any recipe",
    arguments: [
      nil, "max(head) sum(layer: 8x8) mean(step: 1..2)",
      "softmax(token: 100 without unread) mean(head) mean(layer: 16x16) smooth(pixel: 3 0.5)",
      "resize(pixel: bilinear 20x20) mean(head) mean(layer: *) max(piece)",
    ])
  func ownPrompt(_ text: String?) throws {
    let folder = try recorded()
    let rows = try rows(
      folder, ["--ask", Self.prompt] + (text.map { ["--recipe", $0] } ?? []))
    #expect(rows.map(\.word) == ["a#1", "cat", "and", "a#2", "frog"])
    let run = try RecordedRun(folder.path + "/" + Self.run)
    let recipe = try text.map(Recipe.init(parsing:)) ?? Recipe(layers: Recipe.lossGrid)
    let subjects = run.manifest.tokens.words.map { Subject(name: $0.text, tokens: $0.tokens) }
    let maps = try run.maps(of: subjects, by: recipe)
    let whole = try run.aggregate(by: recipe).values.reduce(0) { $0 + Double($1) }
    for (row, expected) in zip(rows, maps) {
      let map = try NumpyFile(path: folder.path + "/" + row.file).tensor()
      #expect(map.shape == [expected.grid.rows, expected.grid.columns])
      expectClose(map.values, expected.values.map(Double.init), relative: 1e-4)
      #expect(row.peak == map.values.max())
      #expect(map.values[row.row * expected.grid.columns + row.column] == row.peak)
      let sum = map.values.reduce(0) { $0 + Double($1) }
      #expect(abs(row.share - sum / whole) < 1e-5)
      let entropy = map.values.reduce(0.0) {
        $1 > 0 ? $0 - Double($1) / sum * log(Double($1) / sum) : $0
      }
      #expect(abs(row.entropy - entropy) < 1e-6)
      #expect(row.recipe == expected.recipe.description && row.run == Self.run)
    }
    #expect(
      folder.names.filter { $0.hasSuffix(".npy") && $0.hasPrefix("maps") }
        == ["a-1", "a-2", "and", "cat", "frog"].map { "maps/a-cat-and-a-frog.\($0).npy" })
  }

  @Test("Several texts of several runs each get a row and a file, and words alone when named")
  func several() throws {
    let folder = try recorded(["--seeds", "0..1"])
    let rows = try rows(
      folder, ["--ask", "Whiskers", "--ask", "a red car", "--recipe", "mean(layer: 8x8)"])
    #expect(rows.map(\.word) == ["whiskers", "a", "red", "car", "whiskers", "a", "red", "car"])
    #expect(Set(rows.map(\.file)).count == 8)
    #expect(rows[0].file == "maps/seed-0/whiskers.npy")
    #expect(rows[7].file == "maps/seed-1/a-red-car.car.npy")
    #expect(rows.allSatisfy { $0.peak > 0 && $0.peak <= 1 && $0.entropy <= log(64) + 1e-6 })
    let named = try HeedProcess.run(
      [
        "analyze", Self.run, "--ask", "a red car", "--recipe",
        "mean(layer: 8x8) tokens(car, <end>)",
      ], in: folder.path)
    #expect(named.status == 0)
    let lines = named.stdout.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines.first == ["run", "word", "peak", "row", "column", "share", "entropy"])
    #expect(lines.dropFirst().map { String($0[1]) } == ["car", "<end>"])
  }

  @Test("Another checkpoint is refused by the file that differs")
  func otherCheckpoint() throws {
    let folder = try recorded()
    let other = try HeedProcess.run(
      ["analyze", "runs", "--ask", "dog", "--model", Repository.tinyModel], in: folder.path)
    expectRefusal(other, 65, [Self.run, "Menagerie", "scheduler/scheduler_config.json differs"])
    let rounded = try HeedProcess.run(
      ["analyze", "runs", "--ask", "dog", "--weights", "float16"], in: folder.path)
    expectRefusal(rounded, 65, ["weights was added", "--weights"])
  }

  @Test("A run without queries, a text without words, and a layer without queries are refused")
  func refusals() throws {
    let folder = try recorded()
    expectRefusal(
      try HeedProcess.run(["analyze", "runs", "--ask", " "], in: folder.path), 64,
      ["' '", "at least one word"])
    expectRefusal(
      try HeedProcess.run(
        ["analyze", "runs", "--ask", "dog", "--recipe", "mean(layer: 4x4)"], in: folder.path), 69,
      ["4x4", "16x16, 8x8"])
    let blocked = try HeedProcess.run(
      ["analyze", "runs", "--ask", "dog", "-o", Self.run + "/run.json"], in: folder.path)
    expectRefusal(blocked, 73, ["run.json"])
    let plain = try HeedProcess.run(
      ["generate", "a dog", "--method", "stable-diffusion", "--steps", "2"], in: folder.path)
    #expect(plain.status == 0)
    expectRefusal(
      try HeedProcess.run(["analyze", "runs/a-dog", "--ask", "dog"], in: folder.path), 69,
      ["runs/a-dog/stable-diffusion/seed-0 has no recorded queries", "--queries 16x16"])
  }

  @Test("A dry run tells what queries take; a pattern that fits no layer is refused")
  func dryRun() throws {
    let folder = try TemporaryFolder()
    let arguments = ["generate", Self.prompt, "--dry-run", "--steps", "10"]
    let with = try HeedProcess.run(arguments + ["--queries", "16x16"], in: folder.path)
    // Three layers at 16x16, 48 numbers a query: 24 KiB and a checksum in 7 blocks, 10 calls.
    #expect(with.stdout.contains(", of which queries 840.0 KiB\n"), "\(with.stdout)")
    #expect(!(try HeedProcess.run(arguments, in: folder.path)).stdout.contains("queries"))
    expectRefusal(
      try HeedProcess.run(arguments + ["--queries", "*attn1"], in: folder.path), 64,
      ["no attention layer matches '*attn1'"])
  }
}
