import AttentionTrace
import Foundation
import PromptText
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

  @Test(
    "A segment without a name is of the text's own encoder, and begins no other", arguments: [0, 1])
  func segmentNames(_ unnamed: Int) throws {
    let manifest = try JSONSerialization.jsonObject(
      with: Data(bytes(Self.fixtures + "sd35/run.json")))
    var text = try #require(
      ((manifest as? [String: Any])?["texts"] as? [[String: Any]])?.first)
    var segments = try #require(text["segments"] as? [[String: Any]])
    #expect(segments.map { $0["encoder"] as? String } == ["text_encoder", "text_encoder_3"])
    segments[1]["encoder"] = "text_encoder"
    segments[unnamed]["encoder"] = nil
    text["segments"] = segments
    let read = try JSONDecoder().decode(
      EncodedText.self, from: JSONSerialization.data(withJSONObject: text))
    #expect(read.table.encoderStarts == [0])
    #expect(read.segments.map(\.encoder) == ["text_encoder", "text_encoder"])
  }

  @Test("The maps of a video have its frames behind the heads")
  func frames() throws {
    let run = try RecordedRun(Self.fixtures + "cogvideox")
    let site = try #require(run.sites.first)
    #expect(run.frames == 3 && site.shape == [1, 3, 2, 3, 8])
    let call = try #require(run.calls.first { !$0.checksums.isEmpty }).call
    let whole = try #require(try run.maps(site.site.path, call: call))
    #expect(whole.shape == site.shape)
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

  private static let store = "attention.zarr/zarr.json"
  static let lies: [(run: String, lie: Lie)] = [
    (
      "sd35",
      Lie("run.json", "\"reducedHeads\": \"mean\",", "", store, "reducedHeads mean, but the plan")
    ),
    ("sd35", Lie("run.json", "\"cells\": 32", "\"cells\": 4", store, "at most 4 rows and columns")),
    (
      "sd35",
      Lie(
        "run.json", "\"summedColumns\": [\n", "\"summedColumns\": [\"more\",\n", store,
        "padding, image, but the plan")
    ),
    (
      "sd35",
      Lie(store, "\"keys\": 27", "\"keys\": 26", "sums up 26 keys as padding, expected 27 or more")
    ),
    (
      "sd35",
      Lie(store, "\"keys\": 96", "\"keys\": 95", "sums up 95 keys as image, expected 96 or more")
    ),
    (
      "sd35",
      Lie(
        store, "\"keys\": 136", "\"keys\": 137", "has 137 keys, but its tokens and summedColumns")
    ),
    (
      "sd35",
      Lie(
        store, "\"kind\": \"joint\"", "\"kind\": \"cross\"",
        "has 136 tokens, but run.json has 40")
    ),
    (
      "sd35",
      Lie(
        "run.json", "\"recorded\": 3", "\"recorded\": 4", "4 layers recorded and 1 left out, of 4")
    ),
    (
      "sd35",
      Lie(
        "run.json", "\"recorded\": 3", "\"recorded\": \(Int.max)",
        "\(Int.max) layers recorded and 1 left out, of 4")
    ),
    (
      "sd35",
      Lie(
        "run.json", "\"special\": \"start\"", "\"special\": \"end\"",
        "token 0 is end, but its segment")
    ),
    ("sd35", Lie("run.json", "\"start\": 0,", "", "each of the 40 tokens in one of them")),
    (
      "sd35",
      Lie(
        "run.json", "\"encoder\": \"text_encoder\"", "\"encoder\": \"other\"",
        "first segment's is")
    ),
    (
      "flux2",
      Lie(
        "run.json", "\"special\": \"template\"", "\"special\": \"padding\"",
        "its segment has it otherwise")
    ),
    (
      "flux2",
      Lie("run.json", "\"rows\": 4", "\"rows\": 5", "method has grid 5x6, but layers are on 4x6")
    ),
    (
      "flux2",
      Lie(
        "run.json", "\"rows\": 4", "\"rows\": 1048577",
        "method.grid.rows: expected 1 to 1048576, got 1048577")
    ),
    (
      "flux2",
      Lie(
        "run.json", "\"denoiserTimes\": [\n", "\"denoiserTimes\": [7,\n",
        "denoiserTimes: 5 numbers for 4 timesteps")
    ),
    (
      "cogvideox",
      Lie(
        store, "\"frames\": 3", "\"frames\": 2",
        "attention.zarr/transformer_blocks.0.attn1/zarr.json", "chunk_shape.2 is 3, expected 2")
    ),
    (
      "cogvideox",
      Lie(
        "run.json", "\"frames\": 9", "\"frames\": 8", "frames/008.png",
        "is not a frame, but run.json has 8")
    ),
    (
      "cogvideox",
      Lie(
        "run.json", "\"frames\": 9", "\"frames\": \(1 << 40)",
        "frames: expected 1 to 1048576, got \(1 << 40)")
    ),
    (
      "cogvideox",
      Lie(
        "run.json", "\"width\": 48", "\"width\": 40", "image.png",
        "is 48x32, but run.json says 40x32")
    ),
  ]

  @Test("A file that lies is found by the others", arguments: lies)
  func lie(_ name: String, _ lie: Lie) throws {
    let (folder, run) = try Self.copy(name)
    try lie.expectFound(in: run)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A frame's picture is known by its number, however many frames there are, and no other file is one"
  )
  func frameNames() throws {
    let (folder, run) = try Self.copy("cogvideox")
    let manifest = String(decoding: try bytes(run.manifest), as: UTF8.self)
    try overwrite(
      run.manifest, manifest.replacing("\"frames\": 9", with: "\"frames\": 1048576").utf8)
    let picture = try bytes(run.frame(0))
    try overwrite(run.frame(1_048_575), picture)
    #expect(try RunCheck(run.path).problems.isEmpty)
    let others = ["-01.png", "+10.png", "0010.png", "1048576.png", "9.png", "a.png", "010.jpg"]
    for name in others { try overwrite("\(run.path)/frames/\(name)", picture) }
    let problems = try RunCheck(run.path).problems
    #expect(Set(problems.map(\.file)) == Set(others.map { "\(run.path)/frames/\($0)" }))
    withExtendedLifetime(folder) {}
  }

  @Test("Heed's own recorder refuses what only others do, before it writes anything")
  func refused() throws {
    let sites = [
      AttentionSite(path: "attn2", kind: .cross, heads: 2, grid: Grid(rows: 2, columns: 2), keys: 7)
    ]
    for (plan, word) in [
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
