import AttentionTrace
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Runs of tiny pipelines of other architectures, as the Python recorder wrote them.
///
/// `sd35` has joint attention and two text encoders, `flux2` padding before the text and a chat's template,
/// `cogvideox` frames. All have averaged heads, and sums over padding and picture.
@Suite("Runs of other pipelines")
struct OtherPipelineTests {
  private static let names = ["sd35", "flux2", "cogvideox"]

  private static let fixtures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().path + "/CommandTests/Fixtures/recorded/"

  /// A copy of a run, in a folder of its own.
  private static func copy(_ name: String) throws -> (TemporaryFolder, RunFolder) {
    let folder = try TemporaryFolder()
    let run = RunFolder(path: folder.path + "/run")
    try FileManager.default.copyItem(atPath: fixtures + name, toPath: run.path)
    return (folder, run)
  }

  @Test("Such runs are sound, and every row of theirs is held against 1", arguments: names)
  func sound(_ name: String) throws {
    let check = try RunCheck(Self.fixtures + name)
    #expect(check.problems.isEmpty, "\(check.problems)")
    let run = try RecordedRun(Self.fixtures + name)
    let recorded = run.calls.count { !$0.checksums.isEmpty }
    let rows = run.sites.reduce(0) { $0 + $1.shape.dropLast().reduce(1, *) }
    #expect(recorded > 0 && check.rows == recorded * rows)
    #expect(run.manifest.provenance.recorder?.coverage.recorded == run.sites.count)
    #expect(
      try JSONDecoder().decode(RunManifest.self, from: JSONEncoder().encode(run.manifest))
        == run.manifest)
  }

  @Test("Picture, latent and losses may be absent from them", arguments: names)
  func results(_ name: String) throws {
    let (folder, run) = try Self.copy(name)
    for result in [run.image, run.latent, run.losses, run.path + "/frames"]
    where FileManager.default.fileExists(atPath: result) {
      try FileManager.default.removeItem(atPath: result)
    }
    #expect(try RunCheck(run.path).problems.isEmpty)
    withExtendedLifetime(folder) {}
  }

  @Test("One that stopped is sound as far as it got", arguments: names)
  func stopped(_ name: String) throws {
    let (folder, run) = try Self.copy(name)
    var manifest = String(decoding: try bytes(run.manifest), as: UTF8.self)
    manifest = manifest.replacing("\"status\": \"complete\"", with: "\"status\": \"running\"")
    try overwrite(run.manifest, manifest.utf8)
    let lines = String(decoding: try bytes(run.journal), as: UTF8.self).split(separator: "\n")
    for kept in 0..<lines.count {
      try overwrite(run.journal, lines[..<kept].map { $0 + "\n" }.joined().utf8)
      let check = try RunCheck(run.path)
      #expect(check.status == .running && check.calls == kept)
      // Chunks of later calls are there, which resuming would remove.
      let others = check.problems.filter { !$0.reason.hasPrefix("calls.jsonl has no such chunk") }
      #expect(others.isEmpty, "\(others)")
    }
    withExtendedLifetime(folder) {}
  }

  @Test("The maps of a frame are those of the whole")
  func frames() throws {
    let run = try RecordedRun(Self.fixtures + "cogvideox")
    let site = try #require(run.sites.first)
    #expect(run.frames == 3 && site.shape == [1, 3, 2, 3, 8])
    let call = try #require(run.calls.first { !$0.checksums.isEmpty }).call
    let whole = try #require(try run.maps(site.site.path, call: call))
    #expect(whole.shape == site.shape)
    for frame in 0..<3 {
      let one = try run.taking(frame: frame)
      #expect(
        one.frame == frame && one.sites[0].shape == [1, 2, 3, 8] && one.sites[0].site.frames == nil)
      let maps = try #require(try one.maps(site.site.path, call: call))
      #expect(maps.shape == [1, 2, 3, 8])
      #expect(maps.values == Array(whole.values[frame * 48..<(frame + 1) * 48]))
      #expect(try run.maps(site.site.path, call: call, frame: frame)?.values == maps.values)
    }
    #expect(throws: TraceError.self) { try run.taking(frame: 3) }
    let mean = site.reduced(whole)
    #expect(mean.shape == [1, 2, 3, 8])
    for cell in 0..<48 {
      let sum = (0..<3).reduce(0.0) { $0 + Double(whole.values[$1 * 48 + cell]) }
      #expect(abs(Double(mean.values[cell]) - sum / 3) < 1e-7)
    }
  }

  @Test("A row that does not sum to 1 is named with its frame")
  func sums() throws {
    let (folder, run) = try Self.copy("cogvideox")
    let read = try RecordedRun(run.path)
    let call = try #require(read.calls.first { !$0.checksums.isEmpty })
    let path = read.sites[0].site.path
    let place = "\(run.store)/\(path)/c.\(call.call).0.0.0.0.0"
    var chunk = Array(try bytes(place).dropLast(4))
    // Frame 2, row 1, column 0, the last of eight columns.
    let index = ((2 * 2 + 1) * 3 * 8 + 7) * 2
    chunk.replaceSubrange(index..<index + 2, with: [0, 0x3C])
    let checksum = referenceChecksum(chunk)
    let old = try #require(call.checksums[path])
    try overwrite(place, chunk + withUnsafeBytes(of: checksum.littleEndian) { Array($0) })
    let journal = String(decoding: try bytes(run.journal), as: UTF8.self)
    try overwrite(run.journal, journal.replacing("\(old)", with: "\(checksum)").utf8)
    let problems = try RunCheck(run.path).problems
    #expect(problems.count == 1)
    #expect(
      problems.first?.reason.hasPrefix("mean of heads, frame 2, row 1, column 0: tokens sum to 1.")
        ?? false,
      "\(problems)")
    withExtendedLifetime(folder) {}
  }

  /// What is changed in a file of a run, and the words of a problem that follows.
  struct Lie: CustomTestStringConvertible, Sendable {
    let run: String
    let file: String
    let truth: String
    let lie: String
    let words: String
    var testDescription: String { "\(run): \(truth) → \(lie)" }

    init(_ run: String, _ file: String, _ truth: String, _ lie: String, _ words: String) {
      (self.run, self.file, self.truth, self.lie, self.words) = (run, file, truth, lie, words)
    }
  }

  private static let store = "attention.zarr/zarr.json"
  static let lies: [Lie] = [
    Lie("sd35", "run.json", "\"reducedHeads\": \"mean\",", "", "reducedHeads mean, but the plan"),
    Lie("sd35", "run.json", "\"cells\": 32", "\"cells\": 4", "at most 4 rows and columns"),
    Lie(
      "sd35", "run.json", "\"summedColumns\": [\n", "\"summedColumns\": [\"more\",\n",
      "padding, image, but the plan"),
    Lie(
      "sd35", store, "\"keys\": 27", "\"keys\": 26",
      "sums up 26 keys as padding, expected 27 or more"),
    Lie(
      "sd35", store, "\"keys\": 96", "\"keys\": 95", "sums up 95 keys as image, expected 96 or more"
    ),
    Lie(
      "sd35", store, "\"keys\": 136", "\"keys\": 137",
      "has 137 keys, but its tokens and summedColumns"),
    Lie(
      "sd35", store, "\"kind\": \"joint\"", "\"kind\": \"cross\"",
      "has 136 tokens, but run.json has 40"),
    Lie(
      "sd35", "run.json", "\"recorded\": 3", "\"recorded\": 4",
      "4 layers recorded and 1 left out, of 4"),
    Lie(
      "sd35", "run.json", "\"special\": \"start\"", "\"special\": \"end\"",
      "token 0 is end, but its segment"),
    Lie("sd35", "run.json", "\"start\": 0,", "", "each of the 40 tokens in one of them"),
    Lie(
      "sd35", "run.json", "\"encoder\": \"text_encoder\"", "\"encoder\": \"other\"",
      "first segment's is"),
    Lie(
      "flux2", "run.json", "\"special\": \"template\"", "\"special\": \"padding\"",
      "its segment has it otherwise"),
    Lie(
      "flux2", "run.json", "\"rows\": 4", "\"rows\": 5",
      "method has grid 5x6, but layers are on 4x6"),
    Lie(
      "flux2", "run.json", "\"denoiserTimes\": [\n", "\"denoiserTimes\": [7,\n",
      "denoiserTimes: 5 numbers for 4 timesteps"),
    Lie("cogvideox", store, "\"frames\": 3", "\"frames\": 2", "chunk_shape.2 is 3, expected 2"),
    Lie(
      "cogvideox", "run.json", "\"frames\": 9", "\"frames\": 8",
      "is not a frame, but run.json has 8"),
    Lie(
      "cogvideox", "run.json", "\"width\": 48", "\"width\": 40", "is 48x32, but run.json says 40x32"
    ),
  ]

  @Test("A file that lies is found by the others", arguments: lies)
  func lie(_ lie: Lie) throws {
    let (folder, run) = try Self.copy(lie.run)
    let path = run.path + "/" + lie.file
    let text = String(decoding: try bytes(path), as: UTF8.self)
    let place = try #require(text.range(of: lie.truth))
    try overwrite(path, text.replacingCharacters(in: place, with: lie.lie).utf8)
    let problems = try RunCheck(run.path).problems.map(\.description)
    #expect(problems.contains { $0.contains(lie.words) }, "\(problems.joined(separator: "\n"))")
    withExtendedLifetime(folder) {}
  }

  @Test("Heed's own recorder refuses what only others do, before it writes anything")
  func refused() throws {
    let sites = [
      AttentionSite(path: "attn2", kind: .cross, heads: 2, grid: Grid(rows: 2, columns: 2), keys: 7)
    ]
    for (plan, word) in [
      (RecordingPlan(reducedHeads: .mean), "reducedHeads mean"),
      (RecordingPlan(cells: 32), "cells 32"),
      (RecordingPlan(summedColumns: ["padding", "image"]), "summedColumns padding,image"),
    ] {
      let error = #expect(throws: TraceError.self) {
        try plan.validate(sites: sites, iterations: 1)
      }
      #expect(error?.description.hasPrefix(word) ?? false)
      #expect(
        try JSONDecoder().decode(RecordingPlan.self, from: JSONEncoder().encode(plan)) == plan)
    }
  }
}
