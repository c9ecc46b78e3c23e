import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

@Suite("Keys of a prompt")
struct PromptKeysTests {
  private static let prompt = "a cat and a frog"

  /// Records two steps of both branches, maps and queries.
  private func recorded(
    _ name: String, _ precision: RecordingPlan.Precision,
    _ body: (Checkpoint, RecordedRun) throws -> Void
  ) throws {
    let copy = try TemporaryCheckpoint(of: name)
    try copy.set("sample_size", "16", in: "unet/config.json")
    let checkpoint = try Checkpoint(copy.path)
    let model = try StableDiffusion(checkpoint)
    var request = RunRequest(Self.prompt, seed: 3, subjects: [])
    request.steps = 2
    request.negativePrompt = "a dog"
    request.recording = RecordingPlan(
      branches: Set(Branch.allCases), precision: precision, queries: ["*"])
    let folder = try TemporaryFolder()
    let planned = try model.plan(request)
    let manifest = try planned.manifest(RunProvenance(version: "0", date: ""))
    guard
      case .fresh(let writer) = try RunWriter.open(
        RunFolder(path: folder.path + "/run"), for: manifest)
    else {
      Issue.record("the folder is not fresh")
      return
    }
    let recorder = try AttentionRecorder(
      in: writer, sites: planned.sites,
      capacity: planned.passes.reduce(0) { $0 + $1.branches.count })
    var sequence = try planned.sequence(observers: [recorder]) { pass, measurement in
      try recorder.acknowledge(pass, measurement: measurement)
    }
    while try sequence.next() != nil {}
    try recorder.close()
    try body(checkpoint, RecordedRun(folder.path + "/run"))
  }

  @Test(
    "Asked for the run's own prompts, recorded queries give the recorded maps",
    arguments: ["tiny-sd1", "tiny-sd2"],
    [(RecordingPlan.Precision.float32, 1e-5), (.float16, 4e-3)])
  func ownPrompt(_ name: String, _ stored: (RecordingPlan.Precision, Double)) throws {
    try recorded(name, stored.0) { checkpoint, run in
      let keys = try PromptKeys.of([Self.prompt, "a dog"], at: run.queriedSites, from: checkpoint)
      #expect(run.queriedSites.count == run.sites.count && run.sites.count > 2)
      #expect(run.calls.count == 2 * run.manifest.timesteps.count)
      var largest = 0.0
      for call in run.calls {
        for site in run.queriedSites {
          let queries = try #require(try run.queries(site.path, call: call.call))
          let maps = try #require(try run.maps(site.path, call: call.call))
          let asked = keys[call.branch == .conditional ? 0 : 1].probabilities(of: queries, at: site)
          #expect(asked.shape == maps.shape)
          let deviation = expectClose(
            asked.values, maps.values.map(Double.init), relative: 0, absolute: stored.1)
          largest = max(largest, deviation.largest)
        }
      }
      print("\(name), \(stored.0): asked maps differ from recorded ones by \(largest) at most")
    }
  }

  @Test("Another prompt's maps are softmax over its tokens of query times key, head by head")
  func otherPrompt() throws {
    try recorded("tiny-sd1", .float16) { checkpoint, run in
      let keys = try PromptKeys.of(["whiskers"], at: run.queriedSites, from: checkpoint)[0]
      #expect(keys.prompt == (try checkpoint.makeTokenizer().encode("whiskers")))
      let text = try checkpoint.makeTextModel()
      let context = try text([keys.prompt.tokens.map(\.id)])
      let file = try SafetensorsFile(path: checkpoint.path + "/" + TemporaryCheckpoint.unet)
      let site = try #require(run.queriedSites.last)
      let width = try #require(site.width)
      let weight = try file.tensor(site.path + ".to_k.weight").values.map(Double.init)
      let queries = try #require(try run.queries(site.path, call: 1)).values
      let asked = keys.probabilities(of: queries.tensor(site, width), at: site).values
      let (side, window) = (width / site.heads, keys.prompt.tokens.count)
      let depth = context.shape[2]
      let embedding = context.values.map(Double.init)
      let key = (0..<window * width).map { place in
        (0..<depth).reduce(0.0) {
          $0 + embedding[place / width * depth + $1] * weight[place % width * depth + $1]
        }
      }
      for head in 0..<site.heads {
        for pixel in stride(from: 0, to: site.grid.pixels, by: 5) {
          let scores = (0..<window).map { token in
            (0..<side).reduce(0.0) {
              let place = head * side + $1
              return $0 + Double(queries[pixel * width + place]) * key[token * width + place]
            } / Double(side).squareRoot()
          }
          let powers = scores.map { exp($0 - (scores.max() ?? 0)) }
          let sum = powers.reduce(0, +)
          let row = (head * site.grid.pixels + pixel) * window
          expectClose(
            Array(asked[row..<row + window]), powers.map { $0 / sum }, relative: 0, absolute: 1e-5)
        }
      }
    }
  }

  @Test("A layer that the checkpoint lacks is refused by its name")
  func noLayer() throws {
    let checkpoint = try Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1")
    let site = AttentionSite(
      path: "mid_block.attn9", kind: .cross, heads: 2, grid: Grid(rows: 2, columns: 2), keys: 77,
      width: 64)
    let error = #expect(throws: DiffusionError.self) {
      try PromptKeys.of(["cat"], at: [site], from: checkpoint)
    }
    #expect("\(error as Any)".contains("mid_block.attn9.to_k.weight"))
  }
}

extension [Float] {
  fileprivate func tensor(_ site: AttentionSite, _ width: Int) -> Tensor {
    Tensor(self, shape: [site.grid.rows, site.grid.columns, width])
  }
}
