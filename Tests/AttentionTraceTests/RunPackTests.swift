import AttentionTrace
import Foundation
import Glibc
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

@Suite("Packed runs")
struct RunPackTests {
  private static let mid = "mid_block.attentions.0.transformer_blocks.0.attn2"

  /// A complete run of Heed itself, with a picture and a latent as `heed check` wants them.
  private static func recorded(
    _ plan: RecordingPlan? = SyntheticRun.complete(steps: 2).plan, steps: Int = 2
  ) throws -> (folder: TemporaryFolder, path: String) {
    let folder = try TemporaryFolder()
    var run = SyntheticRun.complete(steps: steps)
    run.plan = plan
    try run.record(into: RunFolder(path: folder.path + "/run"))
    return (folder, folder.path + "/run")
  }

  /// Every value that a run holds, by its place; nothing where a call was not recorded.
  private static func values(_ path: String) throws -> [String: [Float]?] {
    let run = try RecordedRun(path)
    var values: [String: [Float]?] = [:]
    for call in run.calls.indices {
      for site in run.sites.map(\.site.path) {
        values["\(site) \(call)"] = .some(try run.maps(site, call: call)?.values)
      }
      for site in run.queriedSites.map(\.path) {
        values["\(site).queries \(call)"] = .some(try run.queries(site, call: call)?.values)
      }
    }
    return values
  }

  /// What is wrong with the recording of a run; a synthetic one has no picture.
  private static func problems(_ path: String) throws -> [String] {
    try RunCheck(path).problems.filter { $0.file.contains("/attention.zarr") }.map(\.description)
  }

  private static func packed(_ path: String) throws {
    guard case .done = try RunPack(path).pack() else {
      Issue.record("not packed")
      return
    }
  }

  @Test(
    "A packed run holds the same values in a file for each array, and is unpacked to the same bytes",
    arguments: [
      RecordingPlan(layers: ["*"]),
      RecordingPlan(layers: ["mid*"], heads: [0, 2], tokens: [1, 5], queries: ["2x3"]),
      RecordingPlan(phases: [.loss], steps: 1...1, precision: .float32),
      RecordingPlan(layers: ["*"], branches: [.conditional, .unconditional]),
      RecordingPlan(layers: ["mid*"], tokens: [3], reducedHeads: .mean),
    ])
  func packing(_ plan: RecordingPlan) throws {
    let (folder, path) = try Self.recorded(plan)
    let (before, values) = (try TemporaryFolder.contents(path), try Self.values(path))
    let outcome = try RunPack(path).pack()
    let after = try TemporaryFolder.contents(path)
    #expect(outcome == .done(before: before.count, after: after.count))
    // One each for layers, queries and coordinates, the indices of parts where they differ, and the group's
    // description.
    let run = try RecordedRun(path)
    let parts = [plan.heads, plan.tokens].count { ($0?.count ?? 0) > 1 }
    let shards = run.sites.count + run.queriedSites.count + 6 + parts
    #expect(after.keys.count { $0.hasPrefix("attention.zarr/") } == shards + 1)
    #expect(
      after.filter { !$0.key.hasPrefix("attention") }
        == before.filter { !$0.key.hasPrefix("attention") })
    #expect(try Self.values(path) == values)
    #expect(try Self.problems(path) == [])
    #expect(try RunPack(path).pack() == .wasDone)
    #expect(try RunPack(path).undo() == .done(before: after.count, after: before.count))
    #expect(try TemporaryFolder.contents(path) == before)
    #expect(try RunPack(path).undo() == .wasDone)
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }

  @Test("A run of more calls than a chunk of coordinates has is packed like any other")
  func long() throws {
    let (folder, path) = try Self.recorded(RecordingPlan(layers: ["mid*"]), steps: 150)
    let (before, values) = (try TemporaryFolder.contents(path), try Self.values(path))
    #expect(try RecordedRun(path).calls.count > 256)
    try Self.packed(path)
    #expect(try Self.values(path) == values)
    #expect(try Self.problems(path).isEmpty)
    _ = try RunPack(path).undo()
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }

  @Test("A run that recorded nothing has nothing to pack")
  func nothing() throws {
    let (folder, path) = try Self.recorded(nil)
    #expect(try RunPack(path).pack() == .noRecording)
    withExtendedLifetime(folder) {}
  }

  @Test("What a user wrote into descriptions is there again after unpacking")
  func ownDescriptions() throws {
    let (folder, path) = try Self.recorded()
    let file = path + "/attention.zarr/step/zarr.json"
    let text = String(decoding: try bytes(file), as: UTF8.self)
    try overwrite(
      file, text.replacing("iteration of the scheduler", with: "Schritt des Planers 🙂").utf8)
    let before = try TemporaryFolder.contents(path)
    try Self.packed(path)
    _ = try RunPack(path).undo()
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }

  @Test("An unfinished run is refused by its name, and stays as it is")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    try SyntheticRun.complete(steps: 2).record(into: RunFolder(path: path), limit: 5)
    let before = try TemporaryFolder.contents(path)
    let error = #expect(throws: TraceError.self) { try RunPack(path).pack() }
    #expect(error?.description.contains("\(path): stays as it is: the run is unfinished") == true)
    #expect(try TemporaryFolder.contents(path) == before)
  }

  @Test("A damaged run is refused with what is wrong, and stays as it is")
  func damagedBefore() throws {
    let (folder, path) = try Self.recorded()
    let chunk = "\(path)/attention.zarr/\(Self.mid)/c.3.0.0.0.0"
    var content = try bytes(chunk)
    content[1] ^= 1
    try overwrite(chunk, content)
    let before = try TemporaryFolder.contents(path)
    let error = #expect(throws: TraceError.self) { try RunPack(path).pack() }
    #expect(error?.description.contains(chunk) == true, "\(String(describing: error))")
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "Killed at any moment, packing and unpacking leave a run that can be read, and go on to the end",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"),
    arguments: ["pack", "undo"])
  func killed(_ what: String) throws {
    let (folder, whole) = try Self.recorded(RecordingPlan(layers: ["mid*"]), steps: 2)
    let values = try Self.values(whole)
    let unpacked = try TemporaryFolder.contents(whole)
    try FileManager.default.copyItem(atPath: whole, toPath: folder.path + "/packed")
    try Self.packed(folder.path + "/packed")
    let packed = try TemporaryFolder.contents(folder.path + "/packed")
    let (source, end) =
      what == "pack" ? (whole, packed) : (folder.path + "/packed", unpacked)
    var moments = 0
    while true {
      moments += 1
      let path = "\(folder.path)/\(what)-\(moments)"
      try FileManager.default.copyItem(atPath: source, toPath: path)
      let result = try Probe.run([path, what], faults: ["FAULT_KILL": "\(moments)"])
      #expect(try Self.values(path) == values, "\(moments)")
      if result.status == 0 { break }
      #expect(result.status == -SIGKILL, "\(result.said)")
      let again = try Probe.run([path, what])
      #expect(again.status == 0, "\(moments): \(again.said)")
      #expect(try TemporaryFolder.contents(path) == end, "\(moments)")
      #expect(try Self.problems(path) == [], "\(moments)")
    }
    #expect(moments > 20)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A call that fails leaves a run that can be read, with the file's path, and the command goes on",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"),
    arguments: ["pack", "undo"],
    [
      ("FAULT_RENAME", ESTALE, "zarr.json"), ("FAULT_RENAME", ESTALE, "0.0.0.0.0"),
      ("FAULT_RENAME", ESTALE, "c.0"), ("FAULT_CLOSE", EDQUOT, ".tmp"),
    ])
  func failing(_ what: String, _ fault: (name: String, code: Int32, file: String)) throws {
    let (folder, path) = try Self.recorded(RecordingPlan(layers: ["mid*"]))
    let values = try Self.values(path)
    if what == "undo" { try Self.packed(path) }
    // Packing renames no chunk, unpacking no shard.
    let isMet =
      fault.file == "zarr.json" || fault.file == ".tmp" || (fault.file == "c.0") == (what == "undo")
    let result = try Probe.run([path, what], faults: [fault.name: "\(fault.code):\(fault.file)"])
    #expect(result.status == (isMet ? 74 : 0), "\(result.said)")
    if isMet {
      #expect(result.said.last?.contains("errno \(fault.code)") == true)
      #expect(result.said.last?.contains(path + "/attention.zarr/") == true, "\(result.said)")
    }
    #expect(try Self.values(path) == values)
    #expect(try Probe.run([path, what]).status == 0)
    #expect(try Self.values(path) == values)
    #expect(try Self.problems(path).isEmpty)
    withExtendedLifetime(folder) {}
  }

  @Test("What an interrupted packing left is named, and removed by the next one")
  func leftovers() throws {
    let (folder, path) = try Self.recorded()
    let before = try TemporaryFolder.contents(path)
    let shard = "\(path)/attention.zarr/step/0"
    try overwrite(shard, [1, 2, 3])
    #expect(try Self.problems(path).map { $0.hasPrefix(shard + ": ") } == [true])
    #expect(try RunPack(path).undo() == .wasDone)
    #expect(try TemporaryFolder.contents(path) == before)
    try Self.packed(path)
    let chunk = "\(path)/attention.zarr/\(Self.mid)/c.0.0.0.0.0"
    try overwrite(chunk, [1, 2, 3])
    #expect(try Self.problems(path).map { $0.hasPrefix(chunk + ": ") } == [true])
    #expect(try RunPack(path).pack() == .wasDone)
    #expect(try Self.problems(path).isEmpty)
    withExtendedLifetime(folder) {}
  }

  // MARK: Damage

  /// A way to damage the shard of the layer `mid`: what it does to the bytes, and what is said of it.
  enum Damage: CaseIterable {
    case empty, short, oneByte, withoutIndex, indexChecksum, flipped, outside, beyond, overlap
    case oversized, undersized, overflow, half, gone, missingChunk
  }

  /// Replaces a number of the index, and makes its checksum fit.
  private static func set(
    _ word: Int, to value: UInt64, in shard: inout [UInt8], chunks: Int
  ) {
    let start = shard.count - chunks * 16 - 4
    for byte in 0..<8 {
      shard[start + word * 8 + byte] = UInt8(truncatingIfNeeded: value >> (byte * 8))
    }
    let checksum = shard[start..<shard.count - 4].withUnsafeBytes { crc32c($0) }
    for byte in 0..<4 {
      shard[shard.count - 4 + byte] = UInt8(truncatingIfNeeded: checksum >> (byte * 8))
    }
  }

  @Test(
    "A damaged shard is said in one line with its path and byte, and never read",
    arguments: Damage.allCases)
  func damage(_ damage: Damage) throws {
    let (folder, path) = try Self.recorded()
    try Self.packed(path)
    let shard = "\(path)/attention.zarr/\(Self.mid)/0.0.0.0.0"
    var content = try bytes(shard)
    let chunks = try RecordedRun(path).calls.count
    let chunk = (content.count - chunks * 16 - 4) / chunks
    var words = ["byte "]
    func set(_ word: Int, _ value: UInt64) {
      Self.set(word, to: value, in: &content, chunks: chunks)
    }
    switch damage {
    case .empty: content = []
    case .short: content.removeFirst(chunk)
    case .oneByte: content.removeLast()
    case .withoutIndex: content.removeLast(chunks * 16 + 4)
    case .indexChecksum: content[content.count - 1] ^= 0x80
    case .flipped: content[chunk * 2 + 1] ^= 1
    case .outside: set(4, UInt64(content.count))
    case .beyond: set(2, UInt64(content.count - 4 - chunks * 16 - chunk + 1))
    case .overlap: set(4, UInt64(chunk * 3 + 1))
    case .oversized: set(3, UInt64(chunk * 2))
    case .undersized: set(3, 0)
    case .overflow: set(4, .max - 3)
    case .half: set(4, .max)
    case .gone:
      content = []
      words = ["missing"]
    case .missingChunk:
      set(4, .max)
      set(5, .max)
      words = ["chunk 2 is missing"]
    }
    if damage == .gone {
      try FileManager.default.removeItem(atPath: shard)
    } else {
      try overwrite(shard, content)
    }
    let problems = try Self.problems(path)
    #expect(problems.count == 1, "\(problems)")
    let line = problems.first ?? ""
    #expect(line.hasPrefix(shard + ": "), "\(line)")
    for word in words { #expect(line.contains(word), "\(line)") }
    let run = try RecordedRun(path)
    let failures = run.calls.indices.count { (try? run.maps(Self.mid, call: $0)) == nil }
    #expect(failures >= 1)
    if damage == .flipped || damage == .missingChunk { #expect(failures == 1) }
    let error = #expect(throws: TraceError.self) { try run.maps(Self.mid, call: 2) }
    #expect(error?.description.contains(shard) == true)
    // Nothing is unpacked of it, and nothing is lost.
    let before = try TemporaryFolder.contents(path)
    #expect(throws: TraceError.self) { try RunPack(path).undo() }
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A damaged description of a packed store is said with its path, and never trusted",
    arguments: [
      ("\"unpacked\" : {", "\"unpacked\" : 3, \"unpacked_\" : {"),
      ("\"sharding_indexed\"", "\"sharding\""),
      ("\"index_location\" : \"end\"", "\"index_location\" : \"start\""),
      ("\"step/zarr.json\"", "\"../../step/zarr.json\""),
      ("\"zarr.json\" : \"{", "\"zarr.json\" : \"[{"),
      ("\"separator\" : \".\"", "\"separator\" : \"/\""), ("\"unpacked\"", "\"packed\""),
    ])
  func descriptions(_ old: String, _ new: String) throws {
    let (folder, path) = try Self.recorded()
    try Self.packed(path)
    let file = path + "/attention.zarr/zarr.json"
    let text = String(decoding: try bytes(file), as: UTF8.self)
    try overwrite(file, text.replacing(old, with: new, maxReplacements: 1).utf8)
    #expect(text.contains(old))
    let before = try TemporaryFolder.contents(path)
    let problems = try Self.problems(path)
    #expect(!problems.isEmpty)
    #expect(problems.allSatisfy { $0.contains(path) })
    #expect(throws: TraceError.self) { try RunPack(path).undo() }
    #expect(try TemporaryFolder.contents(path) == before)
    withExtendedLifetime(folder) {}
  }
}
