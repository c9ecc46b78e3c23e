import Foundation
import Pictures
import TestSupport
import Testing

@Suite("heed benchmark figure")
struct BenchmarkFigureTests {
  @Test("Scores are drawn of scores alone, for a column of a venue, in every form of a sheet")
  func scores() throws {
    let bench = try ScoredBench()
    let result = try bench.benchmark(
      "figure", "bench", "--for", "cvpr", "--width", "column", "-o", "s.pdf", "-o", "s.png", "-o",
      "s.svg", "-o", "s.json", "-o", "s.tex")
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("heed: sheet → s.pdf"))
    let scene = bench.folder.text("s.json")
    for word in [
      "animals", "mixed", "n = 4", "CLIP full prompt", "CLIP minimum object",
      "1 Stable Diffusion", "2 Attend-and-Excite",
    ] { #expect(scene.contains(word), "\(word)") }
    let usual = try bench.benchmark("figure", "bench", "--scores", "clip_minimum")
    #expect(usual.status == 0)
    #expect(Set(bench.folder.names).isSuperset(of: ["scores.pdf", "scores.png"]))
    let one = try bench.benchmark("figure", "bench", "--seeds", "1", "-o", "one.svg")
    #expect(one.status == 0, "\(one.stderr)")
    #expect(bench.folder.text("one.svg").contains("n = 2"))
  }

  @Test(
    "Strips and grids are the same of packed runs, and a run that is not there is struck through")
  func pictures() throws {
    let bench = try ScoredBench()
    try bench.makeRuns()
    func draw(_ name: String, _ arguments: [String]) throws -> [UInt8] {
      let result = try bench.heed(
        ["benchmark", "figure", "bench", "--dpi", "72", "-o", name] + arguments)
      #expect(result.status == 0, "\(result.stderr)")
      return bench.folder.bytes(name)
    }
    let strips = ["--kind", "strips", "--prompts", "p4,p1"]
    let grid = ["--kind", "grid", "--prompts", "p3", "--methods", "attend-and-excite"]
    let before = [try draw("a.png", strips), try draw("b.png", grid)]
    let packed = try bench.heed(["pack", "bench/runs"])
    #expect(packed.status == 0, "\(packed.stderr)")
    #expect([try draw("a.png", strips), try draw("b.png", grid)] == before)
    _ = try draw("a.svg", strips)
    let svg = bench.folder.text("a.svg")
    let order = ["a cat and a green clock", "a cat and a frog"].compactMap {
      svg.range(of: "“\($0)”")?.lowerBound
    }
    #expect(order.count == 2 && order[0] < order[1])
    #expect(svg.components(separatedBy: "<use ").count - 1 == 8)
    #expect(!svg.contains("Struck through"))
    try FileManager.default.removeItem(
      atPath: bench.folder.path + "/bench/runs/p4/stable-diffusion/seed-1")
    _ = try draw("c.svg", strips)
    let lacking = bench.folder.text("c.svg")
    #expect(lacking.components(separatedBy: "<use ").count - 1 == 7)
    #expect(lacking.contains("Struck through: no complete run."))
    _ = try draw("d.svg", ["--kind", "strips", "--seeds", "1"])
    #expect(bench.folder.text("d.svg").contains("the first of each subset"))
  }

  @Test(
    "A wrong choice is refused in one line",
    arguments: [
      (["--kind", "bars"], 64, "--kind"),
      (["--scores", "clip_ful"], 64, "did you mean clip_full?"),
      (["--scores", "clip_full,clip_full"], 64, "given twice"),
      (["--methods", "sd"], 64, "stable-diffusion"),
      (["--prompts", "p1"], 64, "does not use --prompts"),
      (["--kind", "strips", "--prompts", "p9"], 64, "'p9'"),
      (["--kind", "strips", "--seeds", "9"], 64, "no seed 9"),
      (["--seeds", "0,9"], 64, "no seed 9"),
      (["--kind", "grid", "--prompts", "p1,p2"], 64, "of one prompt"),
      (["--kind", "strips", "--scores", "clip_full"], 64, "does not use --scores"),
      (["-o", "a.gif"], 64, "a.gif"), (["-o", "a.doc"], 64, "a.doc"),
      (["--width", "0.01"], 65, "too narrow"),
    ])
  func refused(_ arguments: [String], _ code: Int32, _ word: String) throws {
    let bench = try ScoredBench()
    let result = try bench.heed(["benchmark", "figure", "bench"] + arguments)
    #expect(result.status == code, "\(result.stderr)")
    #expect(result.stderr.contains(word), "\(result.stderr)")
    #expect(!result.stdout.contains("→"))
  }

  @Test("A benchmark without scores, a damaged one and one whose methods are paths are refused")
  func damaged() throws {
    let bench = try ScoredBench()
    try FileManager.default.removeItem(atPath: bench.folder.path + "/bench/scores")
    expectRefusal(try bench.benchmark("figure", "bench"), 66, ["heed benchmark score bench"])
    let paths = try ScoredBench(methods: [("../../etc", "x")])
    for command in ["figure", "report", "table"] {
      expectRefusal(try paths.benchmark(command, "bench"), 65, ["benchmark.json", "../../etc"])
    }
    try paths.folder.write("bench/benchmark.json", "{".utf8)
    expectRefusal(try paths.benchmark("figure", "bench"), 65, ["benchmark.json"])
    expectRefusal(try paths.benchmark("figure", "nowhere"), 66, ["nowhere"])
  }
}
