import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

@Suite("Checking a run")
struct RunCheckTests {
  private static let run: SyntheticRun = {
    var run = SyntheticRun.complete(steps: 2)
    run.width = 192
    return run
  }()

  /// A finished run with a picture of 192x128 and a latent of 3x2.
  private static func recorded(
    _ run: SyntheticRun = run
  ) throws -> (TemporaryFolder, RunFolder) {
    let folder = try TemporaryFolder()
    let place = RunFolder(path: folder.path + "/run")
    try run.record(into: place)
    try overwrite(place.image, picture(width: 192, height: 128))
    try NumpyFile.write(Tensor.full(0.5, shape: [1, 4, 2, 3]), to: place.latent)
    return (folder, place)
  }

  /// A PNG's signature, header and end.
  private static func picture(width: UInt8, height: UInt8) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
      + [0, 0, 0, width, 0, 0, 0, height, 8, 2, 0, 0, 0, 0, 0, 0, 0]
      + [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
  }

  private static let down = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"
  private static let mid = "mid_block.attentions.0.transformer_blocks.0.attn2"

  @Test("A run that is as it was made has no problem, and its parts are counted")
  func sound() throws {
    let (folder, run) = try Self.recorded()
    let check = try RunCheck(run.path)
    #expect(check.problems.isEmpty, "\(check.problems)")
    #expect(check.status == .complete)
    // Three arrays of maps and two of queries; rows are heads times cells: 2·6 + 2·6 + 3·2.
    #expect(check.calls == 8 && check.chunks == 40 && check.missing == 0)
    #expect(check.rows == 8 * 30)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "Other plans make sound runs: parts, float32, nothing",
    arguments: [
      RecordingPlan(layers: ["mid*"], heads: [0, 2], tokens: [1, 5], queries: ["2x3"]),
      RecordingPlan(phases: [.loss], steps: 1...1, precision: .float32), nil,
    ])
  func plans(_ plan: RecordingPlan?) throws {
    var run = Self.run
    run.plan = plan
    let (folder, place) = try Self.recorded(run)
    let check = try RunCheck(place.path)
    #expect(check.problems.isEmpty, "\(check.problems)")
    // Two calls of noise prediction with a chunk of maps and one of queries; or one of both layers.
    #expect(check.chunks == (plan == nil ? 0 : plan?.precision == .float32 ? 2 : 4))
    #expect(check.rows == (plan?.precision == .float32 ? 2 * 6 + 3 * 2 : 0))
    withExtendedLifetime(folder) {}
  }

  @Test("A run that stopped anywhere is sound as far as it got", arguments: 0...6)
  func running(_ calls: Int) throws {
    let folder = try TemporaryFolder()
    let place = RunFolder(path: folder.path + "/run")
    try Self.run.record(into: place, limit: calls)
    let check = try RunCheck(place.path)
    #expect(check.problems.isEmpty, "\(check.problems)")
    #expect(check.status == .running && check.calls >= calls)
    #expect(check.chunks == 5 * check.calls)
  }

  @Test("A run is sound at every moment while it is being written")
  func whileWriting() throws {
    let folder = try TemporaryFolder()
    let place = RunFolder(path: folder.path + "/run")
    var run = Self.run
    run.steps = 20
    var seen = 0
    try run.record(
      into: place,
      progress: { acknowledged in
        let check = try RunCheck(place.path)
        #expect(check.problems.isEmpty, "\(check.problems)")
        #expect(check.status == .running && check.calls >= acknowledged)
        seen += 1
      })
    #expect(seen == run.passes.count)
  }

  @Test("Every flipped bit of a chunk or coordinate is a problem of its file")
  func flippedBits() throws {
    let (folder, run) = try Self.recorded()
    for name in ["\(Self.mid)/c.3.0.0.0.0", "\(Self.mid).queries/c.4.0.0.0", "phase/c.0"] {
      let path = run.store + "/" + name
      let good = try bytes(path)
      for bit in stride(from: 0, to: good.count * 8, by: 101) {
        var bad = good
        bad[bit / 8] ^= 1 << (bit % 8)
        try overwrite(path, bad)
        let check = try RunCheck(run.path)
        #expect(check.problems.map(\.file) == [path], "\(check.problems)")
        #expect(check.problems.first?.reason.hasPrefix("is damaged") ?? false)
      }
      try overwrite(path, good)
    }
    withExtendedLifetime(folder) {}
  }

  @Test("Chunks that are cut off or exchanged are named, those that are gone counted")
  func chunks() throws {
    let (folder, run) = try Self.recorded()
    let layer = run.store + "/" + Self.down
    try overwrite(layer + "/c.1.0.0.0.0", try bytes(layer + "/c.1.0.0.0.0").dropLast(9))
    try overwrite(layer + "/c.2.0.0.0.0", try bytes(layer + "/c.3.0.0.0.0"))
    for call in 4...6 { try FileManager.default.removeItem(atPath: layer + "/c.\(call).0.0.0.0") }
    let check = try RunCheck(run.path)
    #expect(check.problems.map(\.file) == [1, 2, 4, 5, 6].map { layer + "/c.\($0).0.0.0.0" })
    #expect(check.problems.first?.reason == "163 bytes, expected 172")
    #expect(check.missing == 3 && check.chunks == 37)
    withExtendedLifetime(folder) {}
  }

  /// Writes a chunk whose checksum fits, and the journal's checksum of it.
  private func forge(_ run: RunFolder, _ values: [Float16]) throws {
    var chunk = values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    let checksum = referenceChecksum(chunk)
    chunk += withUnsafeBytes(of: checksum.littleEndian) { Array($0) }
    let path = run.store + "/\(Self.mid)/c.0.0.0.0.0"
    let old = try bytes(path).suffix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    try overwrite(path, chunk)
    let journal = String(decoding: try bytes(run.journal), as: UTF8.self)
    try overwrite(run.journal, journal.replacingOccurrences(of: "\(old)", with: "\(checksum)").utf8)
  }

  @Test("Rows that do not sum to 1, and numbers that are none, are found under good checksums")
  func sums() throws {
    let (folder, run) = try Self.recorded()
    let sites = SyntheticRun.queriedSites
    var values = Self.run.maps(sites[2], call: 0).map { Float16($0) }
    try forge(run, values)
    #expect(try RunCheck(run.path).problems.isEmpty)
    values[2 * 14 + 7 + 3] += 0.01
    try forge(run, values)
    let reason = try RunCheck(run.path).problems.map(\.reason)
    #expect(reason.count == 1)
    #expect(reason.first?.hasPrefix("head 2, row 0, column 1: tokens sum to 1.0") ?? false)
    values[0] = .nan
    try forge(run, values)
    #expect(
      try RunCheck(run.path).problems.map(\.reason) == ["holds numbers that are NaN or infinite"])
    withExtendedLifetime(folder) {}
  }

  private static let store = "attention.zarr/zarr.json"
  static let lies: [Lie] = [
    Lie("run.json", "\"format\" : 2", "\"format\" : 3", "format 3, expected 1 to 2"),
    Lie("run.json", "\"precision\" : \"float16\"", "\"precision\" : \"float32\"", store, "float32"),
    Lie("run.json", "\"layers\" : [", "\"heads\" : [0], \"layers\" : [", store, "keeps [0]"),
    Lie("run.json", "\"layers\" : [", "\"tokens\" : [0], \"layers\" : [", store, "keeps 1"),
    Lie("run.json", "\"queries\" : [", "\"queries\" : [\"9x9\", ", store, "plan's '9x9'"),
    Lie("run.json", "\"seed\" : 0", "\"seed\" : 1", store, "seed is 0, but run.json says 1"),
    Lie("run.json", "\"piece\" : \"frog</w>\"", "\"piece\" : \"dog</w>\"", store, "token_pieces"),
    Lie("run.json", "\"index\" : 6", "\"index\" : 7", "index 7 at position 6"),
    Lie("run.json", "\"rows\" : 2", "\"rows\" : 5", "method has grid 5x3"),
    Lie("run.json", "\"width\" : 192", "\"width\" : 128", "image.png", "is 192x128"),
    Lie("run.json", "\"width\" : 192", "\"width\" : 128", "latent.npy", "has shape [1, 4, 2, 3]"),
    Lie("run.json", "999\n", "999, 998\n", "calls.jsonl", "step 2 of a complete run has 0"),
    Lie("run.json", "999\n", "998\n", "calls.jsonl", "timestep 999.0, but run.json has 998.0"),
    Lie("run.json", "5\n      ]", "77\n      ]", "'frog': token 77 is outside"),
    Lie("run.json", "\"status\" : \"complete\"", "\"status\" : \"done\"", "status"),
    Lie(store, "\"heads\" : 3,", "\"heads\" : 4,", "different layer in its maps and"),
    Lie(
      store, "2\n        ],\n        \"site\"", "1\n        ],\n        \"site\"",
      "impossible site '\(mid)'"),
    Lie(
      store, "\"columns\" : 2", "\"columns\" : 3", "attention.zarr/\(mid).queries/zarr.json",
      "shape.2 is 2, expected 3"),
    Lie(
      "attention.zarr/\(mid).queries/zarr.json", "\"heads\" : 3", "\"heads\" : 2",
      "attributes.heads is 2, expected 3"),
    Lie(
      "attention.zarr/\(mid).queries/zarr.json", "\"scale\" : 0.5", "\"scale\" : 0.25",
      "attributes.scale is 0.25, expected 0.5"),
    Lie(store, "\"keys\" : 7", "\"keys\" : 8", "has 8 tokens, but run.json has 7"),
    Lie(
      store, "\"precision\" : \"float16\"", "\"precision\" : \"float32\"", "precision is float32"),
    Lie(store, "\"zarr_format\" : 3\n}", "\"zarr_format\" : 2\n}", "zarr_format is 2, expected 3"),
    Lie(
      store, "\"width\" : 12", "\"width\" : 24", "attention.zarr/\(mid).queries/zarr.json", "shape"),
    Lie(
      "attention.zarr/\(mid)/zarr.json", "\"data_type\" : \"float16\"",
      "\"data_type\" : \"float32\"", "data_type is \"float32\", expected \"float16\""),
    Lie(
      "attention.zarr/\(mid)/zarr.json", "\"zarr_format\" : 3", "\"zarr_format\" : 9",
      "zarr_format is 9, expected 3"),
    Lie("losses.csv", "0,0,1000,loss", "0,1,1000,loss", "line 2 does not match calls.jsonl"),
    Lie("calls.jsonl", "\"call\":3", "\"call\":4", "line 4: call 4, expected 3"),
    Lie(
      "calls.jsonl", "\"branch\":\"unconditional\"", "\"branch\":\"conditional\"",
      "line 5: call 4 predicts the noise of step 0 for the prompt, as call 3 does"),
    Lie(
      "run.json", "\"name\" : \"attend-and-excite\"", "\"name\" : \"../it\"",
      "method.name: expected a name that a folder can have, got '../it'"),
    Lie(
      store, "\"path\" : \"\(mid)\"", "\"path\" : \"token_7\"",
      "site 'token_7' has a name that stands for"
    ),
    Lie(
      store, "\"path\" : \"\(mid)\"", "\"path\" : \"\(down)\"",
      "site '\(down).queries' is there twice"),
    Lie("calls.jsonl", "\"attempt\":1", "\"attempt\":3", "attention.zarr/attempt/c.0", "element 1"),
    Lie("calls.jsonl", "\"\(mid)\":", "\"mid.attn2\":", "no chunk of \(mid), which the plan keeps"),
  ]

  @Test("A file that lies is found by the others", arguments: lies)
  func lie(_ lie: Lie) throws {
    let (folder, run) = try Self.recorded()
    try lie.expectFound(in: run)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A complete run lacks none of its files",
    arguments: [
      "image.png", "latent.npy", "losses.csv", "attention.zarr/zarr.json",
      "attention.zarr/step/c.0", "attention.zarr/token/c.0",
      "attention.zarr/\(mid)/zarr.json",
    ])
  func lacking(_ name: String) throws {
    let (folder, run) = try Self.recorded()
    let path = run.path + "/" + name
    try FileManager.default.removeItem(atPath: path)
    #expect(try RunCheck(run.path).problems.map(\.description) == ["\(path): is missing"])
    withExtendedLifetime(folder) {}
  }

  @Test("A store that is gone, and a picture that is cut off, are found")
  func cutOff() throws {
    let (folder, run) = try Self.recorded()
    try overwrite(run.image, try bytes(run.image).dropLast())
    #expect(try RunCheck(run.path).problems.map(\.description) == ["\(run.image): is incomplete"])
    try overwrite(run.image, Self.picture(width: 192, height: 128))
    try FileManager.default.removeItem(atPath: run.store)
    #expect(try RunCheck(run.path).problems.map(\.description) == ["\(run.store): is missing"])
    withExtendedLifetime(folder) {}
  }

  @Test("Files that do not belong into a store are found, and chunks that no call has")
  func surplus() throws {
    let (folder, run) = try Self.recorded()
    let layer = run.store + "/" + Self.mid
    try overwrite(layer + "/c.8.0.0.0.0", [1])
    try overwrite(layer + "/thesis.txt", [1])
    try overwrite(run.store + "/notes", [1])
    #expect(
      Set(try RunCheck(run.path).problems.map(\.file)) == [
        layer + "/c.8.0.0.0.0", layer + "/thesis.txt", run.store + "/notes",
      ])
    withExtendedLifetime(folder) {}
  }

  @Test("Of a run that was cut off, one call may have chunks before its line")
  func tornJournal() throws {
    let folder = try TemporaryFolder()
    let run = RunFolder(path: folder.path + "/run")
    try Self.run.record(into: run, limit: 5)
    let good = try bytes(run.journal)
    try overwrite(run.journal, good.dropLast(20))
    let torn = try RunCheck(run.path)
    #expect(torn.problems.isEmpty && torn.calls == 4, "\(torn.problems)")
    let lines = good.split(separator: UInt8(ascii: "\n"))
    try overwrite(run.journal, lines[..<3].joined(separator: [10]) + [10])
    let behind = try RunCheck(run.path).problems
    #expect(behind.count == 5 && behind.allSatisfy { $0.file.contains("/c.4.0") }, "\(behind)")
    try overwrite(run.journal, good.prefix(lines[0].count + 30) + good.suffix(from: good.count / 2))
    let middle = try RunCheck(run.path)
    #expect(middle.problems.map(\.file) == [run.journal], "\(middle.problems)")
    #expect(middle.problems.first?.reason.hasPrefix("line 2: ") ?? false)
    #expect(middle.calls == 1)
  }

  @Test("What is no run is an error")
  func noRun() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TraceError.self) { try RunCheck(folder.path) }
    #expect(throws: TraceError.self) { try RunCheck(folder.path + "/no") }
  }
}
